// What differs from GPU to GPU: the shared memory of a block. Every kernel's launch fits the least,
// or another path is taken. Read next: host_runtime.cpp, cuda/kernel_env.cuh.
#include "core/cases/case_tensors.h"
#include "core/cases/families.h"
#include "cuda/backend.h"
#include "cuda/runtime.h"
#include "tests/ops/agreement.h"

#include "tests/catch.h"

namespace causeway {
namespace {

constexpr int kHopper = 1, kAda = 2;  // the emulated devices: host_runtime.cpp

/// What a test makes of the current device ends with it.
struct FirstDeviceAfterwards {
  ~FirstDeviceAfterwards() { cuda::use_device(0); }
};

/// Losses and gradients of one row, as `device` computes them.
std::vector<std::vector<double>> losses(int device, int64_t columns, PrecisionChoice choice) {
  const auto ops = make_cuda_backend(device);
  const OpCase c = cross_entropy_case({.N = 2, .V = columns - 3, .Vp = columns, .ignore_every = 0});
  const Precision precision = Precision::of(choice);
  CaseTensors tensors(*ops, c, {.precision = precision, .rounding = precision});
  c.forward.run(*ops, tensors);
  c.backward.stage(*ops, tensors);
  c.backward.run(*ops, tensors);
  return {tensors.values("loss"), tensors.values("loss_again"), tensors.values("d_logits")};
}

}  // namespace

TEST_CASE("attention fits a GPU whose blocks have the least shared memory", "[attention]") {
  const FirstDeviceAfterwards guard;
  std::vector<NamedBackend> ada;
  ada.push_back({"cuda, emulated sm_89", make_cuda_backend(kAda)});
  std::vector<OpCase> cases;  // what a launch asks for depends on head size and options alone
  for (int64_t size : {16, 32, 64, 80, 96, 128, 136, 256}) {
    AttentionCase o{.B = 1, .Tq = 17, .Tk = 17, .H = 2, .K = 1, .D = size};
    cases.push_back(attention_case(o));
    o.window = 9, o.softcap = 5, o.segment = 5, o.alibi = With::Yes;
    cases.push_back(attention_case(o));
  }
  require_agreement(cases, ada);
}

TEST_CASE("cross-entropy of rows too long for one GPU's shared memory gives the other's bits",
          "[cross-entropy]") {
  const FirstDeviceAfterwards guard;
  // The whole of 99 KiB, where the sums of the warps have no room.
  REQUIRE(losses(kAda, 25'344, PrecisionChoice::Fp32) ==
          losses(kHopper, 25'344, PrecisionChoice::Fp32));
  REQUIRE(losses(kAda, 50'688, PrecisionChoice::Bf16) ==
          losses(kHopper, 50'688, PrecisionChoice::Bf16));
}

}  // namespace causeway
