// See trial.h.
#include "train/trial.h"

#include "core/philox.h"
#include "train/measure.h"

namespace causeway {

Trial::Trial(Backend& ops, const Config& config)
    : precision_(Precision::of(config.train.precision)),
      model_(config.model, config.train.recompute),
      plan_(plan_memory(config, model_, &ops)),
      state_(make_training_state(ops, model_, config, comm_, precision_)),
      arena_(ops, plan_.arena_bytes),
      step_(ops, comm_, arena_, model_, state_, config),
      vocab_size_(*config.model.vocab_size) {
  state_.initialise(ops, config.run.seed);
  run();
}

double Trial::run() {
  const auto fill = [&](int64_t micro_batch, HostBatch& batch) {
    for (size_t i = 0; i < batch.tokens.size(); ++i) {
      const auto bits = philox({.seed = 1, .index = static_cast<uint64_t>(micro_batch)},
                               static_cast<uint32_t>(i));
      batch.tokens[i] = static_cast<int32_t>(bits[0] % vocab_size_);
      batch.targets[i] = static_cast<int32_t>(bits[1] % vocab_size_);
    }
  };
  constexpr double kLearningRate = 1e-4;  // small: the numbers stay ordinary
  const double begin = now_seconds();
  step_.run(steps_++, fill, kLearningRate);
  return now_seconds() - begin;
}

}  // namespace causeway
