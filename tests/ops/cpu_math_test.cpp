// The error bounds that core/cpu/simd_math.h states, measured against double with every instruction
// set of this CPU. Read next: core/cpu/simd_math.h, per_isa/vector_math.h.
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/cpu/isa.h"
#include "core/dtype.h"
#include "tests/catch.h"
#include "tests/ops/per_isa/vector_math.h"

namespace {

using causeway::cpu::Isa;
using causeway::cpu::VectorMath;
using Function = VectorMath::Function;
constexpr float kInf = std::numeric_limits<float>::infinity();

/// The largest error of `function` in units of the last place of the exact result, over floats of
/// [low, high] in equal steps.
template <class Exact>
double worst_ulps(double low, double high, Function function, Exact exact) {
  constexpr int kSteps = 1'000'003;
  std::vector<float> x(kSteps + 1), y(kSteps + 1);
  for (int i = 0; i <= kSteps; ++i) x[i] = static_cast<float>(low + (high - low) * i / kSteps);
  function(y.data(), x.data(), kSteps + 1);
  double worst = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double expected = exact(static_cast<double>(x[i]));
    const float nearest = static_cast<float>(std::abs(expected));
    const double ulp = std::nextafter(nearest, kInf) - nearest;
    worst = std::max(worst, std::abs(y[i] - expected) / ulp);
  }
  return worst;
}

float at(Function function, float x) {
  float y;
  function(&y, &x, 1);
  return y;
}

VectorMath math_for(Isa isa) {
  namespace cpu = causeway::cpu;
  switch (isa) {
#if defined(__x86_64__)
    case Isa::Amx:  // has no vector functions of its own
    case Isa::Avx512Bf16:
      return cpu::avx512bf16::vector_math();
    case Isa::Avx512:
      return cpu::avx512::vector_math();
    case Isa::Avx2:
      return cpu::avx2::vector_math();
#endif
    default:
      return cpu::baseline::vector_math();
  }
}

template <class Body>
void for_every_isa(Body body) {
  for (int isa = 0; isa <= static_cast<int>(causeway::cpu::detect_isa()); ++isa) {
    INFO(causeway::cpu::isa_name(Isa(isa)));
    body(Isa(isa));
  }
}

}  // namespace

TEST_CASE("the vector exp is within 2 ulp, and right at its ends", "[cpu]") {
  for_every_isa([](Isa isa) {
    const Function f = math_for(isa).exp;
    CHECK(worst_ulps(-87, 88, f, [](double x) { return std::exp(x); }) < 2);
    CHECK(worst_ulps(-1, 1, f, [](double x) { return std::exp(x); }) < 2);
    CHECK(at(f, -kInf) == 0);
    CHECK(at(f, -100) >= 0);
    CHECK(at(f, -100) < 1e-38f);
    CHECK(at(f, kInf) == kInf);
    CHECK(std::isnan(at(f, NAN)));
  });
}

TEST_CASE("the vector exp2 is within 2 ulp, and right at its ends", "[cpu]") {
  for_every_isa([](Isa isa) {
    const Function f = math_for(isa).exp2;
    CHECK(worst_ulps(-126, 127, f, [](double x) { return std::exp2(x); }) < 2);
    CHECK(worst_ulps(-1, 1, f, [](double x) { return std::exp2(x); }) < 2);
    CHECK(at(f, 0) == 1);
    CHECK(at(f, -kInf) == 0);
    CHECK(at(f, -1e30f) == 0);
    CHECK(std::isnan(at(f, NAN)));
  });
}

TEST_CASE("2^x for bf16 is within 2.6e-6, and right at its ends", "[cpu]") {
  for_every_isa([](Isa isa) {
    const Function f = math_for(isa).exp2_for_bf16;
    constexpr double kUlps = 2.6e-6 / 0x1p-24 + 2;  // an ulp is at least 2^-24 of its number
    CHECK(worst_ulps(-126, 127, f, [](double x) { return std::exp2(x); }) < kUlps);
    CHECK(at(f, -kInf) == 0);
    CHECK(std::isnan(at(f, NAN)));
  });
}

TEST_CASE("the vector log is within 2 ulp outside (0.7, 1.5)", "[cpu]") {
  for_every_isa([](Isa isa) {
    const Function f = math_for(isa).log;
    const auto exact = [](double x) { return std::log(x); };
    CHECK(worst_ulps(1.5, 1e6, f, exact) < 2);
    CHECK(worst_ulps(1e-6, 0.7, f, exact) < 2);
    CHECK(at(f, 1) == 0);
    CHECK(std::isnan(at(f, NAN)));
  });
}

TEST_CASE("the vector tanh is within 2 ulp", "[cpu]") {
  for_every_isa([](Isa isa) {
    const Function f = math_for(isa).tanh;
    const auto exact = [](double x) { return std::tanh(x); };
    CHECK(worst_ulps(-10, 10, f, exact) < 2);
    CHECK(worst_ulps(-0.01, 0.01, f, exact) < 2);
    CHECK(at(f, -kInf) == -1);
    CHECK(std::isnan(at(f, NAN)));
  });
}

TEST_CASE("bf16 rounding of every instruction set is that of core/dtype.h, bit for bit", "[cpu]") {
  std::vector<float> x;
  std::vector<uint16_t> expected;
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += 4099) {  // denormals and NaN among them
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    expected.push_back(causeway::bf16(x.back()).bits);
  }
  for_every_isa([&](Isa isa) {
    std::vector<uint16_t> rounded(x.size());
    causeway::cpu::kernels_for(isa).narrow(rounded.data(), x.data(),
                                           static_cast<int64_t>(x.size()));
    REQUIRE(rounded == expected);
  });
}

TEST_CASE("pairs of bf16 keep their order and round as core/dtype.h, but for denormals", "[cpu]") {
  using causeway::bf16;
  std::vector<uint16_t> x(65536);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint16_t>(i * 40503);  // each once
  for_every_isa([&](Isa isa) {
    const auto scale = math_for(isa).scale_pairs;
    std::vector<uint16_t> y(x.size());
    scale(y.data(), x.data(), 1.7f, static_cast<int64_t>(x.size()));
    for (size_t i = 0; i < x.size(); ++i) {
      const float exact = 1.7f * std::bit_cast<float>(uint32_t{x[i]} << 16);
      const bool flushed = std::abs(exact) < 1.2e-38f && (y[i] & 0x7fff) == 0;
      if (y[i] == bf16(exact).bits || flushed) continue;
      CAPTURE(i, x[i], y[i]);
      REQUIRE((std::isnan(exact) && (y[i] & 0x7fff) > 0x7f80));
    }
  });
}

TEST_CASE("a sweep of pairs meets every element once, whatever the length", "[cpu]") {
  const std::vector<uint16_t> ones(100, causeway::bf16(1.0f).bits);
  for_every_isa([&](Isa isa) {
    for (int64_t n = 0; n <= 100; ++n) {
      std::vector<uint16_t> y(100, 0);
      CHECK(math_for(isa).scale_pairs(y.data(), ones.data(), 2.0f, n) == 2.0f * n);
      for (int64_t i = 0; i < 100; ++i) REQUIRE(y[i] == (i < n ? causeway::bf16(2.0f).bits : 0));
    }
  });
}
