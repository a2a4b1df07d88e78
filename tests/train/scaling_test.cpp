// The model behind `plan --ranks`, on rates made up so that every time can be said by hand. Read
// next: train/scaling.h, docs/scaling.md; ranks_test.cpp holds its bytes to those really sent.
#include "train/scaling.h"

#include "core/buckets.h"
#include "core/config_load.h"
#include "core/config_validate.h"
#include "core/model.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {
namespace {

Config eight_micro_batches(const std::string& precision) {
  Config config = load_config_text(
      "run: {name: r}\ndata: {source: t, tokenizer: char}\n"
      "model: {n_layer: 2, n_head: 2, n_embd: 256, block_size: 64, vocab_size: 512}\n"
      "train: {max_steps: 1, global_batch_size: 64, micro_batch_size: 8, precision: " +
          precision + "}\n",
      "test");
  resolve(config);
  return config;
}

}  // namespace

TEST_CASE("ranks send (W - 1)/W of fp32 gradients and of parameters, and share micro-batches") {
  const Config config = eight_micro_batches("bf16");
  const Model model(config.model, config.train.recompute);
  const double n = static_cast<double>(model.params().flat_size());
  const MachineRates rates{.cost = {.micro_batch = 3, .update = 8}, .bandwidth = n, .latency = 0};
  const ScalingPlan one = plan_scaling(config, model.params(), 1, rates);
  CHECK(one.gradient_bytes + one.parameter_bytes == 0);
  CHECK(one.step_seconds == 8 * 3 + 8);
  CHECK(one.efficiency == 1);
  CHECK(one.tokens_per_second == 64 * 64 / one.step_seconds);

  const ScalingPlan four = plan_scaling(config, model.params(), 4, rates);
  CHECK(four.gradient_bytes == static_cast<int64_t>(0.75 * 4 * n));
  CHECK(four.parameter_bytes == static_cast<int64_t>(0.75 * 2 * n));
  CHECK(four.compute_seconds == 2 * 3 + 2);
  // Gradients need 3 s, of which the last backward pass hides 2; parameters 1.5 s, and nothing.
  CHECK(four.exposed_seconds == Approx(1 + 1.5));
  CHECK(four.step_seconds == Approx(8 + 2.5));
  CHECK(four.efficiency == Approx(8 / 10.5));
}

TEST_CASE("every message costs the links' latency") {
  const Config config = eight_micro_batches("fp32");
  const Model model(config.model, config.train.recompute);
  const MachineRates rates{.cost = {}, .bandwidth = 1e30, .latency = 1};
  const ScalingPlan plan = plan_scaling(config, model.params(), 8, rates);
  const int buckets = Buckets(model.params(), 8).count();
  CHECK(plan.gradient_seconds == Approx(7 * buckets));
  CHECK(plan.parameter_seconds == Approx(7 * buckets));
}

}  // namespace causeway::test
