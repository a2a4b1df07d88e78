// Stochastic rounding from f32 to bf16: exactly unbiased over its random bits, exact where it can
// be.
#include "core/rounding.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/philox.h"

#include "tests/catch.h"

namespace causeway {
namespace {

float rounded(float x, uint32_t random) {
  return std::bit_cast<float>(stochastic_bf16(std::bit_cast<uint32_t>(x), random) << 16);
}

/// Ordinary, tiny and huge numbers of both signs, with all kinds of lower halves.
std::vector<float> numbers() {
  std::vector<float> all;
  for (uint64_t e = 0; e < 50; ++e) {
    const uint32_t bits = random_bits({.seed = 1}, e);
    if (const float x = std::bit_cast<float>(bits); std::isfinite(x)) all.push_back(x);
  }
  for (const float x : {0.1f, 1.0f, 1 + 0x1p-23f, 2 - 0x1p-23f, 0x1p-140f, 3e38f})
    all.push_back(x), all.push_back(-x);
  return all;
}

}  // namespace

TEST_CASE("the mean over all random bits is the number itself") {
  for (const float x : numbers()) {
    double sum = 0;  // of 2^16 bf16 numbers within one binade and its end: exact in double
    for (uint32_t random = 0; random < 0x10000; ++random) sum += rounded(x, random);
    INFO(x);
    CHECK(sum / 0x10000 == x);
  }
}

TEST_CASE("the result is one of the two neighbours") {
  for (const float x : numbers())
    for (uint32_t random = 0; random < 0x10000; random += 251) {
      const float got = rounded(x, random);
      const double ulp = std::exp2(std::max(std::ilogb(x), -126) - 7);
      REQUIRE(std::abs(double{got} - x) < ulp);
      REQUIRE((std::bit_cast<uint32_t>(got) & 0xffffu) == 0);
    }
}

TEST_CASE("a bf16 number is left alone by any random bits") {
  for (uint32_t upper = 0; upper < 0x10000; ++upper)
    for (const uint32_t random : {0u, 1u, 0x8000u, 0xffffu, 0xffffffffu}) {
      const float x = std::bit_cast<float>(upper << 16);
      if (std::isnan(x))
        REQUIRE(std::isnan(rounded(x, random)));
      else
        REQUIRE(rounded(x, random) == x);  // infinities, zeros and denormals too
    }
}

TEST_CASE("every NaN stays a NaN, of its sign") {
  for (const uint32_t bits : {0x7f800001u, 0x7fffffffu, 0xff800001u, 0xffffffffu, 0x7fc0ffffu})
    for (const uint32_t random : {0u, 0xffffu, 0xffffffffu}) {
      const float x = rounded(std::bit_cast<float>(bits), random);
      CHECK(std::isnan(x));
      CHECK(std::signbit(x) == (bits >> 31 != 0));
    }
}

TEST_CASE("beyond the largest bf16 a number goes to infinity as often as to 2^128") {
  const float largest = std::bit_cast<float>(0x7f7f0000u), x = std::bit_cast<float>(0x7f7f4000u);
  int infinite = 0;
  for (uint32_t random = 0; random < 0x10000; ++random) {
    const float got = rounded(x, random);
    REQUIRE((got == largest || got == std::numeric_limits<float>::infinity()));
    infinite += std::isinf(got);
  }
  CHECK(infinite == 0x4000);
}

TEST_CASE("the mean over steps and over elements is the number within its standard error") {
  // A share p of n independent draws goes up: their mean has the standard error
  // ulp · √(p (1 − p) / n), and is further off than five of them once in two million times.
  constexpr int n = 40'000;
  constexpr double ulp = 0x1p-7, kErrors = 5;
  for (const double p : {0x1p-10, 0.25, 0.9}) {
    const float x = static_cast<float>(1 + p * ulp);
    double over_steps = 0, over_elements = 0;
    for (uint64_t i = 0; i < n; ++i) {
      over_steps += rounded(x, random_bits({7, RandomPurpose::Rounding, 0, i}, 5));
      over_elements += rounded(-x, random_bits({7, RandomPurpose::Rounding, 0, 3}, i));
    }
    const double allowed = kErrors * ulp * std::sqrt(p * (1 - p) / n);
    CHECK(std::abs(over_steps / n - x) <= allowed);
    CHECK(std::abs(over_elements / n + x) <= allowed);
  }
}

}  // namespace causeway
