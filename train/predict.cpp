// See predict.h.
#include "train/predict.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "train/flops.h"
#include "train/measure.h"
#include "train/trial.h"

namespace causeway {
namespace {

constexpr double kLongest = 4;    // seconds of one step of a trial
constexpr double kSeconds = 1.5;  // of all timed steps
constexpr int kLeastRounds = 3, kMostRounds = 40;

/// The configs to try: one layer, two, and one layer with two micro-batches where there are more.
std::vector<Config> small_configs(const Config& config) {
  const auto small = [&](int64_t layers, int64_t micro_batches) {
    Config c = config;
    c.model.n_layer = layers;
    c.train.global_batch_size = micro_batches * *config.train.micro_batch_size;
    c.train.grad_lanes = std::min(micro_batches, *config.train.grad_lanes);
    c.eval.every = 0, c.sample.every = 0;
    return c;
  };
  std::vector<Config> configs{small(1, 1), small(2, 1)};
  // Only more than one micro-batch needs to tell them and the update apart.
  if (config.train.global_batch_size > *config.train.micro_batch_size)
    configs.push_back(small(1, 2));
  return configs;
}

double parameters(const Config& config) {
  return static_cast<double>(Model(config.model).params().count());
}

}  // namespace

bool can_try(Preparation& device, const Config& config, double flops, const MemoryOffer& offer) {
  int64_t bytes = 0;  // all trials live side by side
  for (const Config& c : small_configs(config)) {
    const double tokens = static_cast<double>(c.train.global_batch_size * c.model.block_size);
    if (flops_per_token(c.model) * tokens / flops > kLongest) return false;
    Model model(c.model, c.train.recompute);
    bytes += static_cast<int64_t>(plan_memory(c, model, &device).total);
  }
  return offer.bytes <= 0 || bytes <= offer.bytes;
}

StepCost try_step(Backend& ops, const Config& config) {
  const std::vector<Config> configs = small_configs(config);
  Trial a(ops, configs[0]), b(ops, configs[1]);
  std::optional<Trial> c;
  if (configs.size() > 2) c.emplace(ops, configs[2]);
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
  const double update = std::max(0.0, median(base) - median(micro_batch)) * parameters(config) /
                        parameters(configs[0]);
  return {.micro_batch = std::max(0.0, whole - update), .update = update};
}

}  // namespace causeway
