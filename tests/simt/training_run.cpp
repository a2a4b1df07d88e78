// See training_run.h.
#include "tests/simt/training_run.h"

#include "core/config_validate.h"
#include "core/plan_backend.h"

namespace causeway {

Config tiny_gpt2(PrecisionChoice precision) {
  Config c;
  c.model = {.n_layer = 2, .n_head = 2, .n_embd = 64, .block_size = 16, .dropout = 0.1};
  c.model.vocab_size = 61;
  c.train.max_steps = kTrainingSteps;
  c.train.global_batch_size = 4;
  c.train.micro_batch_size = 2;
  c.train.precision = precision;
  resolve(c);
  return c;
}

Config tiny_llama(PrecisionChoice precision) {
  Config c = tiny_gpt2(precision);
  c.model.n_kv_head = 1;
  c.model.position = PositionKind::Rope;
  c.model.norm = NormChoice::RmsNorm;
  c.model.mlp = MlpKind::SwiGlu;
  c.model.bias = false;
  c.model.qk_norm = true;
  c.model.tie_embeddings = false;
  return c;
}

namespace {

void fill(int64_t micro_batch, HostBatch& batch) {
  for (size_t i = 0; i < batch.tokens.size(); ++i) {
    const auto bits =
        philox({.seed = 9, .index = static_cast<uint64_t>(micro_batch)}, static_cast<uint32_t>(i));
    batch.tokens[i] = static_cast<int32_t>(bits[0] % 61);
    batch.targets[i] = static_cast<int32_t>((bits[0] + 1) % 61);
  }
}

}  // namespace

TrainingRun train_ten_steps(Backend& ops, Communicator& comm, const Config& config) {
  Model model(config.model);
  ModelState state =
      make_training_state(ops, model, config, comm, Precision::of(config.train.precision));
  const auto plan = make_plan_backend(&ops);
  Arena measuring;
  SingleComm nobody(comm.size());
  TrainStep(*plan, nobody, measuring, model, state, config).run(0, fill, kTrainingRate);
  Arena arena(ops, measuring.peak());
  TrainStep step(ops, comm, arena, model, state, config);
  state.initialise(ops, config.run.seed);
  TrainingRun run;
  for (int64_t s = 0; s < kTrainingSteps; ++s)
    run.steps.push_back(step.run(s, fill, kTrainingRate));
  run.moments.resize(state.m.numel());
  ops.download(run.moments.data(), state.m);
  run.weights.resize(state.values.bytes());
  ops.download(run.weights.data(), state.values);
  return run;
}

TrainingRun train_ten_steps(std::unique_ptr<Backend> ops, const Config& config) {
  SingleComm alone;
  return train_ten_steps(*ops, alone, config);
}

}  // namespace causeway
