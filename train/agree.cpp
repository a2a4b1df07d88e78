// See agree.h.
#include "train/agree.h"

#include "core/config_dump.h"
#include "core/config_load.h"
#include "core/config_validate.h"
#include "core/error.h"
#include "core/json.h"

namespace causeway {
namespace {

/// Sizes that give each rank its lanes, nearest to the config's.
std::string sizes_that_work(const Config& config, int64_t ranks) {
  const int64_t batch = config.train.global_batch_size;
  for (int64_t micro = *config.train.micro_batch_size; micro >= 1; --micro)
    if (batch % (micro * ranks) == 0) {
      const bool automatic = auto_grad_lanes(batch / micro) % ranks == 0;
      return fmt::format("use train.micro_batch_size={} train.grad_lanes={}", micro,
                         automatic ? "auto" : std::to_string(ranks));
    }
  const int64_t whole = (batch + ranks - 1) / ranks * ranks;
  return fmt::format("use train.global_batch_size={} train.micro_batch_size=1 train.grad_lanes={}",
                     whole, auto_grad_lanes(whole) % ranks == 0 ? "auto" : std::to_string(ranks));
}

/// What this rank is about to do, for the others to compare.
Json intention(const Config& config, const Environment& environment, const std::string& data_hash) {
  return {
      {"config", to_yaml(config)}, {"bits", what_decides_bits(environment)}, {"data", data_hash}};
}

/// What may differ between ranks: anything else would change the result, or which messages they
/// exchange and when.
bool is_each_ranks_own(std::string_view key) {
  return key == "train.threads" || key == "data.source" || key == "data.tokenizer";
}

std::string difference(const Json& first, const Json& other) {
  const auto text = [](const Json& json, const char* key) { return json[key].get<std::string>(); };
  std::string lines;
  for (const auto& [key, value] : first["bits"].items())
    if (other["bits"].value(key, Json()) != value)
      lines += fmt::format("\n  {}: {} and {}", key, value.dump(),
                           other["bits"].value(key, Json()).dump());
  if (other["data"] != first["data"]) lines += "\n  data: other tokens";
  for (const FieldDifference& d : differences(load_config_text(text(first, "config"), "rank 0"),
                                              load_config_text(text(other, "config"), "a rank")))
    if (!is_each_ranks_own(d.key))
      lines += fmt::format("\n  {}: {} and {}", d.key, d.before, d.now);
  return lines;
}

}  // namespace

void require_lanes_for(const Config& config, int ranks) {
  const int64_t lanes = *config.train.grad_lanes;
  if (lanes % ranks == 0) return;
  const int64_t micro = *config.train.micro_batch_size;
  const bool power_of_two = (ranks & (ranks - 1)) == 0;
  throw Error({.id = "config.ranks",
               .where = config.marks.where("train.global_batch_size"),
               .what = fmt::format("a step of {} micro-batch{} of {} has {} lane{}, which {} ranks "
                                   "cannot share",
                                   config.train.global_batch_size / micro,
                                   config.train.global_batch_size == micro ? "" : "es", micro,
                                   lanes, lanes == 1 ? "" : "s", ranks),
               .remedy = power_of_two ? sizes_that_work(config, ranks)
                                      : "use 2, 4, 8, … ranks: sums are made along a binary tree"});
}

void agree_on_run(Communicator& comm, const Config& config, const Environment& environment,
                  const std::string& data_hash) {
  if (comm.size() == 1) return;
  const std::vector<std::string> all =
      comm.gather(intention(config, environment, data_hash).dump());
  for (size_t r = 1; r < all.size(); ++r) {
    const std::string lines = difference(Json::parse(all[0]), Json::parse(all[r]));
    if (lines.empty()) continue;
    throw Error({.id = "config.ranks_differ",
                 .where = fmt::format("ranks 0 and {}", r),
                 .what = "they are not about to do the same:" + lines,
                 .remedy = "start all ranks with one command, one build and one set of files, on "
                           "machines of one kind"});
  }
}

}  // namespace causeway
