// See error.h.
#include "core/error.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <numeric>
#include <utility>

namespace causeway {
namespace {
constexpr const char* kOurFault =
    "this is a fault of Causeway: please report it with the command you ran";
}

std::string to_string(const ErrorInfo& info) {
  std::string text = fmt::format("error[{}] ", info.id);
  if (!info.where.empty()) text += info.where + ": ";
  text += info.what;
  // Every line of the remedy is indented, so that it reads as belonging to the line above.
  for (size_t begin = 0; begin < info.remedy.size();) {
    size_t end = std::min(info.remedy.find('\n', begin), info.remedy.size());
    text += "\n  " + info.remedy.substr(begin, end - begin);
    begin = end + 1;
  }
  return text;
}

Error::Error(ErrorInfo info) : std::runtime_error(to_string(info)), info_(std::move(info)) {}

ExitCode Error::exit_code() const {
  static constexpr std::pair<std::string_view, ExitCode> kCodes[] = {
      {"config", ExitCode::Config}, {"usage", ExitCode::Config},
      {"data", ExitCode::Data},     {"tokenizer", ExitCode::Data},
      {"memory", ExitCode::Memory}, {"checkpoint", ExitCode::Checkpoint},
      {"guard", ExitCode::Guard},   {"disk", ExitCode::Disk},
      {"peer", ExitCode::Peer},     {"device", ExitCode::Device},
  };
  const std::string_view family = std::string_view(info_.id).substr(0, info_.id.find('.'));
  for (const auto& [name, code] : kCodes)
    if (name == family) return code;
  return ExitCode::Internal;
}

Error as_error(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&exception))
    return Error({.id = "memory.host",
                  .where = "",
                  .what = "this machine has no memory left for what was asked",
                  .remedy = "see what it needs: causeway plan CONFIG; then lower "
                            "train.micro_batch_size, model.block_size or the model"});
  if (const auto* error = dynamic_cast<const std::filesystem::filesystem_error*>(&exception))
    return Error({.id = "disk.access",
                  .where = error->path1().string(),
                  .what = error->code().message(),
                  .remedy = "check the permissions of the folders on the way there"});
  return Error(
      {.id = "internal.exception", .where = "", .what = exception.what(), .remedy = kOurFault});
}

void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw Error({.id = "internal.check",
               .where = fmt::format("{}:{}", file, line),
               .what = fmt::format("{} (expected {})", message, condition),
               .remedy = kOurFault});
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  // Edits between two words; swapping two neighbours, the commonest slip, is one edit. Three rows
  // of the table are alive at a time (optimal string alignment).
  auto distance = [](std::string_view a, std::string_view b) {
    std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
      before = std::exchange(last, row);
      row[0] = i;
      for (size_t j = 1; j <= b.size(); ++j) {
        row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    return row.back();
  };
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;  // farther is no help
  for (const auto& candidate : candidates) {
    const size_t d = distance(word, candidate);
    if (d < best_distance) best = candidate, best_distance = d;
  }
  return best;
}

}  // namespace causeway
