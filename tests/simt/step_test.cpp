// Whole training steps on the CUDA backend beside the CPU's: emulated here, by hardware in
// tests/gpu. Read next: training_run.h, tests/train/step_test.cpp.
#include <cmath>

#include "core/cpu/backend.h"
#include "cuda/backend.h"
#include "tests/simt/training_run.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {
namespace {

/// How far two backends' losses may be apart at step s. They add up in different orders: each
/// rounding on a path through the model errs by u relative to a value of order one, and there are
/// sums of up to 4·C products and some sixteen rounded tensors per block. The weights' error joins
/// in from the second step on: an AdamW step moves every weight by about `kTrainingRate`, in a
/// direction that errs as the gradient does, so the loss follows by the share u·R of what such a
/// step can move it, kTrainingRate · √n · |gradient| at most.
///
/// Without masters both backends round with the same random bits, so weights that differ by δ
/// become neighbours with probability δ / ulp, else equal: their difference keeps its mean and has
/// the variance δ · ulp. With δ = u·R·kTrainingRate and ulps of 2⁻⁷ at most that moves the loss by
/// |gradient| · √(δ · 2⁻⁷), a twentieth of what is allowed above.
double tolerance(const Config& c, const TrainingRun& run, int64_t s, double parameters) {
  const bool fp32 = c.train.precision == PrecisionChoice::Fp32;
  const double u = fp32 ? 0x1p-24 : 0x1p-9;
  const double roundings = fp32 ? 4.0 * c.model.n_embd * c.model.n_layer : 16.0 * c.model.n_layer;
  double travelled = 1;
  for (int64_t i = 0; i < s; ++i)
    travelled += kTrainingRate * std::sqrt(parameters) * run.steps[i].grad_norm;
  return u * roundings * travelled;
}

void require_same_training(const Config& config) {
  const TrainingRun cpu = train_ten_steps(make_cpu_backend({.threads = 1}), config);
  const TrainingRun cuda = train_ten_steps(make_cuda_backend(), config);
  for (int64_t s = 0; s < kTrainingSteps; ++s) {
    const double allowed = tolerance(config, cpu, s, static_cast<double>(cpu.moments.size()));
    INFO("step " << s << ": cpu " << cpu.steps[s].loss << ", cuda " << cuda.steps[s].loss
                 << ", allowed " << allowed);
    CHECK(cuda.steps[s].finite);
    CHECK(std::abs(cuda.steps[s].loss - cpu.steps[s].loss) <= allowed);
  }
  CHECK(cuda.steps.back().loss < cuda.steps.front().loss);
}

}  // namespace

TEST_CASE("ten steps of a tiny GPT-2 on CUDA are the CPU's, in fp32 and bf16", "[training]") {
  for (PrecisionChoice precision : {PrecisionChoice::Fp32, PrecisionChoice::Bf16})
    require_same_training(tiny_gpt2(precision));
}

TEST_CASE("ten steps without master weights on CUDA are the CPU's", "[training]") {
  Config config = tiny_gpt2(PrecisionChoice::Bf16);
  config.train.master_weights = false;
  require_same_training(config);
}

TEST_CASE("ten steps of a tiny Llama on CUDA are the CPU's, in fp32 and bf16", "[training]") {
  for (PrecisionChoice precision : {PrecisionChoice::Fp32, PrecisionChoice::Bf16})
    require_same_training(tiny_llama(precision));
}

}  // namespace causeway
