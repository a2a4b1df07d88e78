// The optimizer step: lanes, accumulation, clipping, the guard. Read next: train/step.h,
// signature_test.cpp.
#include "train/step.h"

#include <cmath>

#include "core/config_validate.h"
#include "core/cpu/backend.h"
#include "core/plan_backend.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {
namespace {

Config small_config(int64_t global_batch, int64_t micro_batch, int64_t lanes) {
  Config c;
  c.model = {.n_layer = 1, .n_head = 2, .n_embd = 16, .block_size = 8};
  c.model.vocab_size = 13;
  c.train.max_steps = 4;
  c.train.global_batch_size = global_batch;
  c.train.micro_batch_size = micro_batch;
  c.train.grad_lanes = lanes;
  resolve(c);
  return c;
}

/// Micro-batch i holds tokens that depend on i alone, whatever the micro-batch's size.
void fill(int64_t micro_batch, HostBatch& batch) {
  for (size_t i = 0; i < batch.tokens.size(); ++i) {
    const auto bits =
        philox({.seed = 9, .index = static_cast<uint64_t>(micro_batch)}, static_cast<uint32_t>(i));
    batch.tokens[i] = static_cast<int32_t>(bits[0] % 13);
    batch.targets[i] = static_cast<int32_t>(bits[1] % 13);
  }
}

struct Machine {
  explicit Machine(const Config& config, int threads = 1)
      : ops(make_cpu_backend({.threads = threads})),
        model(config.model),
        state(
            make_training_state(*ops, model, config, comm, Precision::of(config.train.precision))),
        arena(*ops, measure(config)),
        step(*ops, comm, arena, model, state, config) {
    state.initialise(*ops, config.run.seed);
  }

  size_t measure(const Config& config) {
    const auto plan = make_plan_backend(ops.get());
    Arena measuring;
    TrainStep dry(*plan, comm, measuring, model, state, config);
    dry.run(0, fill, 0.1);
    return measuring.peak();
  }

  std::vector<float> values() {
    std::vector<float> all(state.values.numel());
    ops->download(all.data(), state.values);
    return all;
  }

  std::unique_ptr<Backend> ops;
  SingleComm comm;
  Model model;
  ModelState state;
  Arena arena;
  TrainStep step;
};

}  // namespace

TEST_CASE("lanes need one gradient buffer more per level") {
  CHECK(lane_levels(1) == 0);
  CHECK(lane_levels(2) == 1);
  CHECK(lane_levels(8) == 3);
}

TEST_CASE("any number of lanes gives the same step up to rounding") {
  const Config one = small_config(8, 1, 1);
  Machine expected(one);
  expected.step.run(0, fill, 1e-3);
  const auto reference = expected.values();
  for (int64_t lanes : {2, 4, 8}) {
    const Config config = small_config(8, 1, lanes);
    Machine machine(config);
    const StepResult result = machine.step.run(0, fill, 1e-3);
    CHECK(result.finite);
    const auto values = machine.values();
    double worst = 0;
    for (size_t i = 0; i < values.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(values[i]) - reference[i]));
    // A first Adam step moves every weight by about lr, whatever the gradient's size; only weights
    // whose gradient is rounding noise may differ by that much.
    CHECK(worst <= 2.1e-3);
  }
}

TEST_CASE("the loss falls when the same batch is shown again") {
  const Config config = small_config(4, 2, 2);
  Machine machine(config);
  const auto same = [](int64_t i, HostBatch& batch) { fill(i % 2, batch); };
  const double first = machine.step.run(0, same, 1e-2).loss;
  double last = first;
  for (int64_t s = 1; s < 30; ++s) last = machine.step.run(s, same, 1e-2).loss;
  CHECK(first == Approx(std::log(13.0)).margin(0.1));
  CHECK(last < 0.5 * first);
}

TEST_CASE("a non-finite value never reaches the weights") {
  const Config config = small_config(4, 2, 2);
  Machine machine(config);
  const auto before = machine.values();
  // A gain of infinity in the final norm makes logits and loss non-finite.
  const ParamId gain = machine.model.params().find("final_norm.weight");
  const float infinity = INFINITY;
  machine.ops->upload(machine.state.values.slice(0, machine.model.params()[gain].offset, 1),
                      &infinity);
  const StepResult result = machine.step.run(0, fill, 1e-2);
  CHECK_FALSE(result.finite);
  auto after = machine.values();
  after[machine.model.params()[gain].offset] = 1;
  CHECK(after == before);
}

TEST_CASE("one, two and three threads give the same bits") {
  const Config config = small_config(8, 2, 2);
  std::vector<float> expected;
  for (int threads : {1, 2, 3}) {
    Machine machine(config, threads);
    for (int64_t s = 0; s < 3; ++s) machine.step.run(s, fill, 1e-3);
    if (expected.empty()) expected = machine.values();
    CHECK(machine.values() == expected);
  }
}

}  // namespace causeway
