// See predict.h.
#include "train/predict.h"

#include <algorithm>
#include <optional>

#include "train/environment.h"
#include "train/flops.h"
#include "train/measure.h"
#include "train/trial.h"

namespace causeway {
namespace {

constexpr double kLongest = 4;    // seconds of one step of a trial
constexpr double kSeconds = 1.5;  // of all timed steps
constexpr int kLeastRounds = 3, kMostRounds = 40;

Config small(const Config& config, int64_t layers, int64_t micro_batches) {
  Config c = config;
  c.model.n_layer = layers;
  c.train.global_batch_size = micro_batches * *config.train.micro_batch_size;
  c.train.grad_lanes = std::min(micro_batches, *config.train.grad_lanes);
  c.eval.every = 0, c.sample.every = 0;
  return c;
}

double parameters(const Config& config) {
  return static_cast<double>(Model(config.model).params().count());
}

}  // namespace

bool can_try(const Config& config, double flops) {
  const Config two = small(config, std::min<int64_t>(2, config.model.n_layer), 1);
  const double tokens = static_cast<double>(two.train.global_batch_size * two.model.block_size);
  if (flops_per_token(two.model) * tokens / flops > kLongest) return false;
  Model model(two.model, two.train.recompute);
  const auto bytes = static_cast<int64_t>(plan_memory(two, model, nullptr).total);
  return 2 * bytes < read_machine_limits().memory_free;  // two trials live side by side
}

StepCost try_step(Backend& ops, const Config& config) {
  const int64_t M = config.train.global_batch_size / *config.train.micro_batch_size;
  const Config one = small(config, 1, 1), two = small(config, 2, 1), twice = small(config, 1, 2);
  Trial a(ops, one), b(ops, two);
  std::optional<Trial> c;  // only more than one micro-batch needs to know them apart
  if (M > 1) c.emplace(ops, twice);
  std::vector<double> base, layer, micro_batch;
  const double begin = now_seconds();
  // Differences of steps one right after the other: what disturbs one disturbs the next.
  for (int i = 0; i < kMostRounds; ++i) {
    base.push_back(a.run());
    layer.push_back(b.run() - base.back());
    if (c) micro_batch.push_back(c->run() - base.back());
    if (i + 1 >= kLeastRounds && now_seconds() - begin > kSeconds) break;
  }
  const double more_layers = static_cast<double>(config.model.n_layer - 1);
  const double whole = median(base) + more_layers * std::max(0.0, median(layer));
  if (!c) return {.micro_batch = whole, .update = 0};
  // The update reads and writes every parameter: it grows as they do.
  const double update =
      std::max(0.0, median(base) - median(micro_batch)) * parameters(config) / parameters(one);
  return {.micro_batch = std::max(0.0, whole - update), .update = update};
}

}  // namespace causeway
