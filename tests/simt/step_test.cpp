// Whole training steps on the emulated CUDA backend, beside the CPU's. Read next: train/step.h,
// tests/train/step_test.cpp.
#include "train/step.h"

#include <cmath>

#include "core/config_validate.h"
#include "core/cpu/backend.h"
#include "core/plan_backend.h"
#include "cuda/backend.h"
#include "tests/simt/engine.h"
#include "train/comm_mpi.h"
#include "train/comm_staged.h"
#include "train/launch.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {
namespace {

constexpr int kSteps = 10;
constexpr double kRate = 1e-3;

Config tiny_gpt2(PrecisionChoice precision) {
  Config c;
  c.model = {.n_layer = 2, .n_head = 2, .n_embd = 64, .block_size = 16, .dropout = 0.1};
  c.model.vocab_size = 61;
  c.train.max_steps = kSteps;
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

void fill(int64_t micro_batch, HostBatch& batch) {
  for (size_t i = 0; i < batch.tokens.size(); ++i) {
    const auto bits =
        philox({.seed = 9, .index = static_cast<uint64_t>(micro_batch)}, static_cast<uint32_t>(i));
    batch.tokens[i] = static_cast<int32_t>(bits[0] % 61);
    batch.targets[i] = static_cast<int32_t>((bits[0] + 1) % 61);
  }
}

struct Run {
  std::vector<StepResult> steps;
  std::vector<float> moments;      ///< Adam's, at the end; this rank's
  std::vector<std::byte> weights;  ///< at the end, in working precision
};

Run train(Backend& ops, Communicator& comm, const Config& config) {
  Model model(config.model);
  ModelState state =
      make_training_state(ops, model, config, comm, Precision::of(config.train.precision));
  const auto plan = make_plan_backend(&ops);
  Arena measuring;
  SingleComm nobody(comm.size());
  TrainStep(*plan, nobody, measuring, model, state, config).run(0, fill, kRate);
  Arena arena(ops, measuring.peak());
  TrainStep step(ops, comm, arena, model, state, config);
  state.initialise(ops, config.run.seed);
  Run run;
  for (int64_t s = 0; s < kSteps; ++s) run.steps.push_back(step.run(s, fill, kRate));
  run.moments.resize(state.m.numel());
  ops.download(run.moments.data(), state.m);
  run.weights.resize(state.values.bytes());
  ops.download(run.weights.data(), state.values);
  return run;
}

Run train(std::unique_ptr<Backend> ops, const Config& config) {
  SingleComm alone;
  return train(*ops, alone, config);
}

/// How far two backends' losses may be apart at step s. They add up in different orders: each
/// rounding on a path through the model errs by u relative to a value of order one, and there are
/// sums of up to 4·C products and some sixteen rounded tensors per block. The weights' error joins
/// in from the second step on: an AdamW step moves every weight by about `kRate`, in a direction
/// that errs as the gradient does, so the loss follows by the share u·R of what such a step can
/// move it, kRate · √n · |gradient| at most.
double tolerance(const Config& c, const Run& run, int64_t s, double parameters) {
  const bool fp32 = c.train.precision == PrecisionChoice::Fp32;
  const double u = fp32 ? 0x1p-24 : 0x1p-9;
  const double roundings = fp32 ? 4.0 * c.model.n_embd * c.model.n_layer : 16.0 * c.model.n_layer;
  double travelled = 1;
  for (int64_t i = 0; i < s; ++i)
    travelled += kRate * std::sqrt(parameters) * run.steps[i].grad_norm;
  return u * roundings * travelled;
}

void require_same_training(const Config& config) {
  const Run cpu = train(make_cpu_backend({.threads = 1}), config);
  const Run cuda = train(make_cuda_backend(), config);
  for (int64_t s = 0; s < kSteps; ++s) {
    const double allowed = tolerance(config, cpu, s, static_cast<double>(cpu.moments.size()));
    INFO("step " << s << ": cpu " << cpu.steps[s].loss << ", cuda " << cuda.steps[s].loss
                 << ", allowed " << allowed);
    CHECK(cuda.steps[s].finite);
    CHECK(std::abs(cuda.steps[s].loss - cpu.steps[s].loss) <= allowed);
  }
  CHECK(cuda.steps.back().loss < cuda.steps.front().loss);
}

}  // namespace

TEST_CASE("ten steps of a tiny GPT-2 on emulated CUDA are the CPU's, in fp32 and bf16") {
  for (PrecisionChoice precision : {PrecisionChoice::Fp32, PrecisionChoice::Bf16})
    require_same_training(tiny_gpt2(precision));
}

TEST_CASE("ten steps of a tiny Llama on emulated CUDA are the CPU's, in fp32 and bf16") {
  for (PrecisionChoice precision : {PrecisionChoice::Fp32, PrecisionChoice::Bf16})
    require_same_training(tiny_llama(precision));
}

TEST_CASE("any order of warps gives the same bits of a training run") {
  const Config config = tiny_gpt2(PrecisionChoice::Bf16);
  const simt::Options before = simt::options;
  std::vector<float> expected;
  for (simt::Order order : {simt::Order::Forward, simt::Order::Reverse, simt::Order::Random}) {
    simt::options.order = order;
    const Run run = train(make_cuda_backend(), config);
    if (expected.empty()) expected = run.moments;
    CHECK(run.moments == expected);
  }
  simt::options = before;
}

// Run by mpirun with two ranks, see CMakeLists.txt; each rank also trains alone.
TEST_CASE("two ranks on emulated CUDA write one rank's bits, over MPI", "[.ranks]") {
  const Launch launch = read_launch();
  REQUIRE(launch.size == 2);
  const auto ops = make_cuda_backend();
  const auto comm = make_staged_comm(make_mpi_comm(launch), *ops);
  for (const auto& config : {tiny_gpt2(PrecisionChoice::Bf16), tiny_llama(PrecisionChoice::Fp32)}) {
    const Run both = train(*ops, *comm, config);
    const Run alone = train(make_cuda_backend(), config);
    CHECK(both.moments.size() < alone.moments.size());
    CHECK((both.weights == alone.weights));
    for (int64_t s = 0; s < kSteps; ++s) CHECK(both.steps[s].loss == alone.steps[s].loss);
  }
  comm->leave();
}

}  // namespace causeway
