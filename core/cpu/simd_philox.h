// Philox on vectors: the same numbers as core/philox.h. Read next: kernels/activations.cpp
// (dropout).
#pragma once
#include "core/cpu/kernels.h"
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {

/// Four random words of each lane's block: 64-bit lanes whose lower halves hold the words, so that
/// the 32 × 32 → 64 bit product is one instruction.
struct PhiloxWords {
  U64 word[4];
};
SIMD_INLINE PhiloxWords philox(const PhiloxArgs& a, U64 block) {
  const U64 low = U64{} + 0xffffffffu;
  U64 c0 = block, c1 = U64{} + a.c1, c2 = U64{} + a.c2, c3 = U64{} + a.c3;
  uint32_t k0 = a.k0, k1 = a.k1;
  for (int round = 0; round < 10; ++round) {
    const U64 p0 = multiply_low_halves(U64{} + 0xD2511F53u, c0);
    const U64 p1 = multiply_low_halves(U64{} + 0xCD9E8D57u, c2);
    c0 = (p1 >> 32) ^ (c1 & low) ^ k0;
    c2 = (p0 >> 32) ^ (c3 & low) ^ k1;
    c1 = p1, c3 = p0;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return {{c0 & low, c1 & low, c2 & low, c3 & low}};
}

/// body(i, part, bits) for every vector of [0, n): bits holds the random words of elements first +
/// i and on of the stream. `first` is a multiple of 4.
template <class Body>
SIMD_INLINE void sweep_random(const PhiloxArgs& a, int64_t first, int64_t n, Body body) {
  constexpr int kBlocks = kLanes / 2, kWords = 4 * kBlocks;
  U64 lane;
  for (int i = 0; i < kBlocks; ++i) lane[i] = i;
  uint32_t words[kWords];
  for (int64_t i = 0; i < n; i += kWords) {
    const uint32_t block = static_cast<uint32_t>((first + i) / 4);
    const PhiloxWords drawn = philox(a, (lane + block) & (U64{} + 0xffffffffu));
    for (int b = 0; b < kBlocks; ++b)
      for (int w = 0; w < 4; ++w) words[4 * b + w] = static_cast<uint32_t>(drawn.word[w][b]);
    sweep(n - i < kWords ? n - i : kWords, [&](int64_t j, auto part) {
      U bits;
      __builtin_memcpy(&bits, words + j, sizeof bits);
      body(i + j, part, bits);
    });
  }
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
