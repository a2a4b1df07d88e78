// Attention's CUDA kernels in the emulation: what the cases of agreement_test.cpp do not show. The
// emulated sm_90 takes its own kernels for them; every path gives the same bits in every order of
// threads and blocks, and reads without bank conflicts. Read next: docs/attention.md.
#include "core/cases/case_tensors.h"
#include "core/cases/families.h"
#include "core/plan_backend.h"
#include "cuda/backend.h"
#include "tests/ops/agreement.h"
#include "tests/simt/engine.h"

#include "tests/catch.h"
#include "tests/error_of.h"

namespace causeway {
namespace {

constexpr int kAmpere = 0, kHopper = 1;  // the emulated devices: host_runtime.cpp

/// What forward and backward write, tensor by tensor.
std::vector<std::vector<double>> results(Backend& ops, const AttentionCase& shape,
                                         PrecisionChoice choice) {
  const OpCase c = attention_case(shape);
  const Precision precision = Precision::of(choice);
  CaseTensors tensors(ops, c, {.precision = precision, .rounding = precision});
  c.forward.run(ops, tensors);
  if (c.backward) c.backward.run(ops, tensors);
  std::vector<std::vector<double>> values;
  for (const TensorSpec& spec : c.tensors)
    if (spec.role != Role::Gradient || c.backward) values.push_back(tensors.values(spec.name));
  return values;
}

/// What the emulation counted while `shape` ran in bf16.
simt::Stats counted(int device, const AttentionCase& shape) {
  const auto ops = make_cuda_backend(device);
  const simt::Stats before = simt::stats;
  results(*ops, shape, PrecisionChoice::Bf16);
  return {.mma = simt::stats.mma - before.mma,
          .wgmma = simt::stats.wgmma - before.wgmma,
          .ldmatrix = simt::stats.ldmatrix - before.ldmatrix,
          .ldmatrix_conflicts = simt::stats.ldmatrix_conflicts - before.ldmatrix_conflicts};
}

struct OrderGuard {
  simt::Options before = simt::options;
  ~OrderGuard() { simt::options = before; }
};

void require_same_bits_in_every_order(int device, const AttentionCase& shape,
                                      PrecisionChoice precision) {
  const OrderGuard guard;
  const auto ops = make_cuda_backend(device);
  simt::options.order = simt::Order::Forward;
  const auto first = results(*ops, shape, precision);
  for (const auto order : {simt::Order::Reverse, simt::Order::Random}) {
    simt::options.order = order;
    INFO(attention_case(shape).name);
    const bool same = results(*ops, shape, precision) == first;
    REQUIRE(same);
  }
}

}  // namespace

TEST_CASE("attention on an sm_90 agrees with the reference", "[attention]") {
  std::vector<NamedBackend> hopper;
  hopper.push_back({"cuda, emulated sm_90", make_cuda_backend(kHopper)});
  require_agreement(attention_cases(), hopper);
}

TEST_CASE("attention on an sm_90 takes wgmma where it is causal without options", "[attention]") {
  for (int64_t size : {64, 128}) {
    const AttentionCase plain{.B = 2, .Tq = 67, .Tk = 67, .H = 2, .K = 1, .D = size};
    INFO("head size " << size);
    const simt::Stats own = counted(kHopper, plain);
    REQUIRE(own.wgmma > 0);
    REQUIRE(own.mma == 0);
    REQUIRE(counted(kAmpere, plain).wgmma == 0);

    std::vector<AttentionCase> others(6, plain);
    others[0].window = 9, others[1].softcap = 5, others[2].segment = 20;
    others[3].alibi = With::Yes, others[4].Tk = 129, others[5].D = 96;
    for (const AttentionCase& other : others) {
      const simt::Stats general = counted(kHopper, other);
      INFO(attention_case(other).name);
      REQUIRE(general.wgmma == 0);
      REQUIRE(general.mma > 0);
    }
  }
}

TEST_CASE("a build without cuDNN says so when its attention is chosen", "[attention]") {
  const ErrorInfo info = test::error_of([] { make_cuda_backend(kHopper, AttentionKernel::Cudnn); });
  REQUIRE(info.id == "device.no_cudnn");
  REQUIRE_THAT(info.what, Catch::Contains("this build has no cuDNN"));
  REQUIRE_THAT(info.remedy, Catch::Contains("train.attention_kernel=own"));
}

TEST_CASE("a plan without a GPU counts our attention's scratch, and leaves cuDNN's out",
          "[attention]") {
  const OpCase c = attention_case({.B = 1, .Tq = 67, .Tk = 67, .H = 1, .K = 1, .D = 64});
  const auto planned_bytes = [&](AttentionKernel whose) {
    const auto nowhere = make_cuda_preparation(whose);
    const auto plan = make_plan_backend(nowhere.get());
    const Precision precision = Precision::of(PrecisionChoice::Bf16);
    const CaseTensors tensors(*plan, c, {.precision = precision, .rounding = precision});
    c.forward.run(*plan, tensors);
    c.backward.run(*plan, tensors);
    return nowhere->scratch_bytes();
  };
  REQUIRE(planned_bytes(AttentionKernel::Own) > 0);
  REQUIRE(planned_bytes(AttentionKernel::Cudnn) == 0);
}

TEST_CASE("attention gives the same bits in every thread order", "[attention]") {
  require_same_bits_in_every_order(kAmpere, {.B = 2, .Tq = 67, .Tk = 67, .H = 2, .K = 1, .D = 24},
                                   PrecisionChoice::Fp32);
  for (int64_t size : {32, 64, 80, 96, 128}) {
    AttentionCase shape{.B = 2, .Tq = 67, .Tk = 67, .H = 2, .K = 1, .D = size};
    require_same_bits_in_every_order(kAmpere, shape, PrecisionChoice::Bf16);
    shape.B = 1, shape.Tq = shape.Tk = 131, shape.window = 70, shape.softcap = 5;
    require_same_bits_in_every_order(kAmpere, shape, PrecisionChoice::Bf16);
  }
  for (int64_t size : {64, 128})
    require_same_bits_in_every_order(
        kHopper, {.B = 1, .Tq = 257, .Tk = 257, .H = 2, .K = 1, .D = size}, PrecisionChoice::Bf16);
}

TEST_CASE("tiles of attention are read without bank conflicts at every head size", "[attention]") {
  for (int64_t size : {32, 64, 80, 96, 128}) {
    INFO("head size " << size);
    const simt::Stats tiles =
        counted(kAmpere, {.B = 1, .Tq = 65, .Tk = 65, .H = 1, .K = 1, .D = size});
    REQUIRE(tiles.ldmatrix > 0);
    REQUIRE(tiles.ldmatrix_conflicts == 0);
  }
}

}  // namespace causeway
