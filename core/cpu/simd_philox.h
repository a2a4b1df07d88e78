// Philox on vectors: the same numbers as core/philox.h. Read next: kernels/activations.cpp
// (dropout).
#pragma once
#include "core/cpu/kernels.h"
#include "core/cpu/simd_shuffle.h"

namespace causeway::cpu::CAUSEWAY_ISA {

/// The words of kLanes / 2 blocks, one after another: block b is words 4b to 4b + 3.
struct PhiloxWords {
  U lower, upper;
};

/// A word of a counter is the lower half of a 64-bit lane, which is what the 32 × 32 → 64 bit
/// product reads; whatever the upper half holds, it ignores.
SIMD_INLINE PhiloxWords philox(const PhiloxArgs& a, U64 block) {
  const U64 low = U64{} + 0xffffffffu;
  U64 c0 = block, c1 = U64{} + a.c1, c2 = U64{} + a.c2, c3 = U64{} + a.c3;
  uint32_t k0 = a.k0, k1 = a.k1;
  for (int round = 0; round < 10; ++round) {
    const U64 p0 = multiply_low_halves(U64{} + 0xD2511F53u, c0);
    const U64 p1 = multiply_low_halves(U64{} + 0xCD9E8D57u, c2);
    c0 = (p1 >> 32) ^ c1 ^ k0;
    c2 = (p0 >> 32) ^ c3 ^ k1;
    c1 = p1, c3 = p0;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  const U64 first = (c0 & low) | c1 << 32, second = (c2 & low) | c3 << 32;
  const Lanes<kLanes / 2> lanes{};
  return {(U)alternate<0>(first, second, lanes), (U)alternate<kLanes / 4>(first, second, lanes)};
}

/// body(i, part, bits) for every vector of [0, n): bits holds the random words of elements first +
/// i and on of the stream. `first` is a multiple of 4.
template <class Body>
SIMD_INLINE void sweep_random(const PhiloxArgs& a, int64_t first, int64_t n, Body body) {
  U64 lane;
  for (int i = 0; i < kLanes / 2; ++i) lane[i] = i;
  for (int64_t i = 0; i < n; i += 2 * kLanes) {
    const uint32_t block = static_cast<uint32_t>((first + i) / 4);
    const PhiloxWords words = philox(a, lane + block);
    sweep(n - i < 2 * kLanes ? n - i : 2 * kLanes,
          [&](int64_t j, auto part) { body(i + j, part, j == 0 ? words.lower : words.upper); });
  }
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
