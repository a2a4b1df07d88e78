// The error bounds that core/cpu/simd_math.h states, measured against double. Compiled here for the
// baseline; with fused multiply-add the errors are smaller. Read next: core/cpu/simd_math.h.
#define CAUSEWAY_ISA in_tests
#include "core/cpu/simd_math.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/cpu/isa.h"
#include "core/dtype.h"
#include "tests/catch.h"

namespace simd = causeway::cpu::in_tests;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// The largest error of `function` in units of the last place of the exact result, over floats of
/// [low, high] in equal steps.
template <class Function, class Exact>
double worst_ulps(double low, double high, Function function, Exact exact) {
  double worst = 0;
  constexpr int kSteps = 1'000'003;
  for (int i = 0; i <= kSteps; ++i) {
    const float x = static_cast<float>(low + (high - low) * i / kSteps);
    const double y = exact(static_cast<double>(x));
    const float nearest = static_cast<float>(std::abs(y));
    const double ulp = std::nextafter(nearest, kInf) - nearest;
    worst = std::max(worst, std::abs(function(simd::splat(x))[0] - y) / ulp);
  }
  return worst;
}

float exp1(float x) { return simd::exp(simd::splat(x))[0]; }

}  // namespace

TEST_CASE("the vector exp is within 2 ulp, and right at its ends", "[cpu]") {
  const auto f = [](simd::F x) { return simd::exp(x); };
  CHECK(worst_ulps(-87, 88, f, [](double x) { return std::exp(x); }) < 2);
  CHECK(worst_ulps(-1, 1, f, [](double x) { return std::exp(x); }) < 2);
  CHECK(exp1(-kInf) == 0);
  CHECK(exp1(-100) == 0);
  CHECK(exp1(kInf) == kInf);
  CHECK(std::isnan(exp1(NAN)));
}

TEST_CASE("the vector exp2 is within 2 ulp, and right at its ends", "[cpu]") {
  const auto f = [](simd::F x) { return simd::exp2(x); };
  CHECK(worst_ulps(-126, 127, f, [](double x) { return std::exp2(x); }) < 2);
  CHECK(worst_ulps(-1, 1, f, [](double x) { return std::exp2(x); }) < 2);
  CHECK(f(simd::splat(0.0f))[0] == 1);
  CHECK(f(simd::splat(-kInf))[0] == 0);
  CHECK(f(simd::splat(-1e30f))[0] == 0);
  CHECK(std::isnan(f(simd::splat(NAN))[0]));
}

TEST_CASE("the vector log is within 2 ulp outside (0.7, 1.5)", "[cpu]") {
  const auto f = [](simd::F x) { return simd::log(x); };
  const auto exact = [](double x) { return std::log(x); };
  CHECK(worst_ulps(1.5, 1e6, f, exact) < 2);
  CHECK(worst_ulps(1e-6, 0.7, f, exact) < 2);
  CHECK(simd::log(simd::splat(1.0f))[0] == 0);
  CHECK(std::isnan(simd::log(simd::splat(NAN))[0]));
}

TEST_CASE("the vector tanh is within 2 ulp", "[cpu]") {
  const auto f = [](simd::F x) { return simd::tanh(x); };
  const auto exact = [](double x) { return std::tanh(x); };
  CHECK(worst_ulps(-10, 10, f, exact) < 2);
  CHECK(worst_ulps(-0.01, 0.01, f, exact) < 2);
  CHECK(simd::tanh(simd::splat(-kInf))[0] == -1);
  CHECK(std::isnan(simd::tanh(simd::splat(NAN))[0]));
}

TEST_CASE("bf16 rounding of every instruction set is that of core/dtype.h, bit for bit", "[cpu]") {
  std::vector<float> x;
  std::vector<uint16_t> expected;
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += 4099) {  // denormals and NaN among them
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    expected.push_back(causeway::bf16(x.back()).bits);
  }
  using causeway::cpu::Isa;
  for (int isa = 0; isa <= static_cast<int>(causeway::cpu::detect_isa()); ++isa) {
    std::vector<uint16_t> rounded(x.size());
    causeway::cpu::kernels_for(Isa(isa)).narrow(rounded.data(), x.data(),
                                                static_cast<int64_t>(x.size()));
    INFO(causeway::cpu::isa_name(Isa(isa)));
    REQUIRE(rounded == expected);
  }
}
