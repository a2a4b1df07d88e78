// The signature: ten losses of two tiny runs on the double reference, to ten digits. They say
// whether a change changed what the program computes: initial values, data order, model, backward,
// clipping, optimizer. A commit that changes them says why. Read next: tests/reference/.
#include <fmt/ranges.h>

#include <cmath>

#include "core/config_validate.h"
#include "core/plan_backend.h"
#include "tests/reference/backend.h"
#include "train/step.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {
namespace {

Config tiny_run(const ModelConfig& model) {
  Config c;
  c.model = model;
  c.model.vocab_size = 13;
  c.train = {.max_steps = 10, .global_batch_size = 8, .micro_batch_size = 2, .max_grad_norm = 1.0};
  c.optimizer.betas = {0.9, 0.99};
  resolve(c);
  return c;
}

/// A pattern with some noise, so that there is something to learn and something left.
void fill(int64_t micro_batch, HostBatch& batch) {
  for (size_t i = 0; i < batch.tokens.size(); ++i) {
    const auto bits =
        philox({.seed = 4, .index = static_cast<uint64_t>(micro_batch)}, static_cast<uint32_t>(i));
    batch.tokens[i] = static_cast<int32_t>(bits[0] % 13);
    batch.targets[i] = (batch.tokens[i] * 5 + static_cast<int32_t>(bits[1] % 3)) % 13;
  }
}

std::vector<double> losses(const Config& config) {
  const auto ops = make_reference_backend(DType::F64);
  const Precision precision = Precision::all(DType::F64);
  Model model(config.model);
  SingleComm comm;
  ModelState state = make_training_state(*ops, model, config, comm, precision);
  state.initialise(*ops, config.run.seed);
  Arena measuring;
  TrainStep(*make_plan_backend(nullptr), comm, measuring, model, state, config, precision)
      .run(0, fill, 0);
  Arena arena(*ops, measuring.peak());
  TrainStep step(*ops, comm, arena, model, state, config, precision);
  std::vector<double> all;
  for (int64_t s = 0; s < 10; ++s) all.push_back(step.run(s, fill, 1e-2).loss);
  return all;
}

void check_signature(const ModelConfig& model, const std::vector<double>& expected) {
  const std::vector<double> got = losses(tiny_run(model));
  INFO(fmt::format("losses: {:.10f}", fmt::join(got, ", ")));
  REQUIRE(got.size() == expected.size());
  for (size_t s = 0; s < got.size(); ++s) CHECK(std::abs(got[s] - expected[s]) <= 1e-10);
}

}  // namespace

TEST_CASE("the signature of a tiny GPT-2 stands") {
  check_signature({.n_layer = 2, .n_head = 2, .n_embd = 16, .block_size = 8, .dropout = 0.1},
                  {2.5551696525, 2.5288161102, 2.5343936893, 2.4657931493, 2.3906792203,
                   2.4048456123, 2.4973478813, 2.4034571121, 2.4558951529, 2.4000977918});
}

TEST_CASE("the signature of a tiny Llama stands") {
  check_signature({.n_layer = 2,
                   .n_head = 4,
                   .n_kv_head = 2,
                   .n_embd = 16,
                   .block_size = 8,
                   .position = PositionKind::Rope,
                   .norm = NormChoice::RmsNorm,
                   .mlp = MlpKind::SwiGlu,
                   .bias = false,
                   .tie_embeddings = false},
                  {2.5566955082, 2.4911707677, 2.3811815719, 2.3407339529, 2.2111081282,
                   2.1288412179, 2.1161181683, 2.0204755674, 1.9281476676, 1.8909705493});
}

}  // namespace causeway
