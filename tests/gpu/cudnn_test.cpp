// cuDNN's attention on a GPU: right, with equal bits every time, and refused what it lacks. Read
// next: cuda/attention_cudnn.cpp, docs/attention.md.
#include "core/cases/case_tensors.h"
#include "core/cases/families.h"
#include "cuda/backend.h"
#include "tests/ops/agreement.h"
#include "tests/simt/training_run.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"
#include "tests/error_of.h"

namespace causeway {
namespace {

/// Null, and a line that says why, where there is no cuDNN.
std::unique_ptr<Backend> cudnn_backend() {
  try {
    return make_cuda_backend(0, AttentionKernel::Cudnn);
  } catch (const Error& error) {
    if (error.info().id != "device.no_cudnn") throw;
    WARN("SKIPPED: " << error.what());
    return nullptr;
  }
}

/// Lengths around tiles, grouped heads, windows, strided heads; and generation, which is our own.
std::vector<OpCase> trained_and_generated() {
  std::vector<OpCase> cases;
  for (int64_t size : {32, 64, 96, 128})
    for (int64_t length : {67, 131, 256}) {
      AttentionCase shape{.B = 2, .Tq = length, .Tk = length, .H = 4, .K = 2, .D = size};
      cases.push_back(attention_case(shape));
      shape.window = 40, shape.strided = With::Yes;
      cases.push_back(attention_case(shape));
    }
  cases.push_back(attention_case({.B = 1, .Tq = 1, .Tk = 70, .H = 4, .K = 2, .D = 64}));
  return cases;
}

}  // namespace

TEST_CASE("cuDNN's attention agrees with the reference", "[cudnn]") {
  std::vector<NamedBackend> backends(1);
  backends[0] = {"cuda, cuDNN's attention", cudnn_backend()};
  if (!backends[0].backend) return;
  require_agreement(trained_and_generated(), backends, {PrecisionChoice::Bf16});
}

TEST_CASE("cuDNN's attention trains the same bits every time", "[cudnn]") {
  const Config config = tiny_llama(PrecisionChoice::Bf16);
  if (!cudnn_backend()) return;
  const TrainingRun first = train_ten_steps(cudnn_backend(), config);
  for (int time = 0; time < 3; ++time)
    CHECK((train_ten_steps(cudnn_backend(), config).moments == first.moments));
}

TEST_CASE("cuDNN's attention refuses what it lacks before anything runs", "[cudnn]") {
  const auto ops = cudnn_backend();
  if (!ops) return;
  const AttentionCase plain{.B = 1, .Tq = 8, .Tk = 8, .H = 2, .K = 2, .D = 16};
  std::vector<AttentionCase> lacking(4, plain);
  lacking[0].softcap = 5, lacking[1].alibi = With::Yes, lacking[2].segment = 3, lacking[3].D = 12;
  const Precision precision = Precision::of(PrecisionChoice::Bf16);
  for (const AttentionCase& shape : lacking) {
    const OpCase c = attention_case(shape);
    const CaseTensors tensors(*ops, c, {.precision = precision, .rounding = precision});
    const ErrorInfo info = test::error_of([&] { c.forward.run(*ops, tensors); });
    CHECK(info.id == "op.unsupported");
  }
}

}  // namespace causeway
