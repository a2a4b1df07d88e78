// See metrics.h.
#include "train/metrics.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string_view>

#include "core/file.h"

namespace causeway {
namespace {

constexpr std::string_view kStepKey = "{\"step\":";  // every line of ours begins like this

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

/// The step of a whole line of ours, or -1.
int64_t step_of(std::string_view line) {
  int64_t step = -1;
  if (!line.starts_with(kStepKey) || !line.ends_with('}')) return -1;
  std::from_chars(line.data() + kStepKey.size(), line.data() + line.size(), step);
  return step;
}

}  // namespace

std::string to_json(const MetricsRecord& r) {
  std::string line =
      fmt::format("{}{},\"tokens\":{},\"loss\":{}", kStepKey, r.step, r.tokens, number(r.loss));
  if (r.val_loss) line += fmt::format(",\"val_loss\":{}", number(*r.val_loss));
  return line + fmt::format(",\"grad_norm\":{},\"lr\":{}}}", number(r.grad_norm), number(r.lr));
}

std::string to_json(const TimingRecord& r) {
  return fmt::format("{}{},\"seconds\":{},\"tokens_per_second\":{},\"resident_bytes\":{}{}}}",
                     kStepKey, r.step, number(r.seconds), number(r.tokens_per_second),
                     r.resident_bytes,
                     r.sent_bytes ? fmt::format(",\"sent_bytes\":{}", r.sent_bytes) : "");
}

MetricsFile::MetricsFile(const std::filesystem::path& path) : path_(path) {
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) throw_disk_error(path_, "open", errno);
}

MetricsFile::~MetricsFile() { ::close(file_); }

void MetricsFile::append_line(std::string line) {
  line += '\n';
  struct stat before {};
  if (fstat(file_, &before) != 0) throw_disk_error(path_, "read the size of", errno);
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return;
  const int reason = written < 0 ? errno : ENOSPC;  // a short write is a full disk
  [[maybe_unused]] const int cut = ftruncate(file_, before.st_size);
  throw_disk_error(path_, "append to", reason);
}

int64_t MetricsFile::truncate_after(int64_t step) {
  std::ifstream lines(path_);
  std::string line;
  int64_t last = 0, kept_bytes = 0;
  // getline sets eof when the last line lacks its newline: that line is half-written.
  while (std::getline(lines, line) && !lines.eof()) {
    const int64_t line_step = step_of(line);
    if (line_step < 0 || line_step > step) break;
    last = line_step;
    kept_bytes += static_cast<int64_t>(line.size()) + 1;
  }
  if (ftruncate(file_, kept_bytes) != 0) throw_disk_error(path_, "cut back", errno);
  return last;
}

void MetricsFile::sync() {
  if (fsync(file_) != 0) throw_disk_error(path_, "save", errno);
}

}  // namespace causeway
