// Two vectors at a time. A 32-bit word of memory holds two bf16: its lower one widens by a shift,
// its upper one by a mask, so a pair of vectors, the even numbers and the odd ones, costs half of
// what two loads cost, as long as results go back the same way. Read next: the kernels.
#pragma once
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {

/// 2·kLanes neighbours: the lower and the upper half of f32, the even and the odd of bf16.
struct FPair {
  F a, b;
};
/// The size of a pair, beside Full and Part.
struct Two {};
constexpr int64_t kPairLanes = 2 * kLanes;

SIMD_INLINE FPair load(const float* p, Two) { return {load(p), load(p + kLanes)}; }
SIMD_INLINE FPair load(const b16* p, Two) {
  U words;
  __builtin_memcpy(&words, p, sizeof words);
  return {(F)(words << 16), (F)(words & splat_bits(0xffff0000u))};
}

SIMD_INLINE void store(float* p, FPair x, Two) {
  store(p, x.a);
  store(p + kLanes, x.b);
}
/// As store, but what is denormal may become 0.
SIMD_INLINE void store(b16* p, FPair x, Two) {
#if defined(__AVX512BF16__)
  constexpr auto word = [](int i) { return (i + 16) << 16 | i; };
  const __m512i interleaved = _mm512_setr_epi32(
      word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7), word(8), word(9),
      word(10), word(11), word(12), word(13), word(14), word(15));
  const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh((__m512)x.b, (__m512)x.a);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi16(interleaved, halves));
#else
  const U words = rounded_to_bf16(x.a) >> 16 | (rounded_to_bf16(x.b) & splat_bits(0xffff0000u));
  __builtin_memcpy(p, &words, sizeof words);
#endif
}

/// Stores, and gives what a load would read back.
SIMD_INLINE FPair store_rounded(float* p, FPair x, Two) {
  store(p, x, Two{});
  return x;
}
SIMD_INLINE FPair store_rounded(b16* p, FPair x, Two) {
  store(p, x, Two{});
  return load(p, Two{});
}

/// f32 that were stored as the pairs of T numbers come, put in the order of the numbers.
SIMD_INLINE void put_in_order(float*, int64_t, const float*) {}
SIMD_INLINE void put_in_order(float* x, int64_t n, const b16*) {
  for (int64_t i = 0; i + kPairLanes <= n; i += kPairLanes) {
    float ordered[kPairLanes];
    for (int64_t j = 0; j < kLanes; ++j)
      ordered[2 * j] = x[i + j], ordered[2 * j + 1] = x[i + kLanes + j];
    __builtin_memcpy(x + i, ordered, sizeof ordered);
  }
}

/// Asks for the lines that a pair lies in, to the second-level cache: the first has too few slots.
template <class T>
SIMD_INLINE void prefetch(const T* p, Two) {
  for (int64_t byte = 0; byte < kPairLanes * int64_t{sizeof(T)}; byte += 64)
    __builtin_prefetch(reinterpret_cast<const char*>(p) + byte, 0, 2);
}
template <class T, class Size>
SIMD_INLINE void prefetch(const T*, Size) {}

/// f(vectors...) of one vector of each, or of both of each pair.
template <class Function, class... Vectors>
SIMD_INLINE F each(Function f, F x, Vectors... more) {
  return f(x, more...);
}
template <class Function, class... Pairs>
SIMD_INLINE FPair each(Function f, FPair x, Pairs... more) {
  return {f(x.a, more.a...), f(x.b, more.b...)};
}

/// body(i, Two, Full or Part) over [0, n), as long as there are pairs in pairs.
template <class Body>
SIMD_INLINE void sweep_pairs(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kPairLanes <= n; i += kPairLanes) body(i, Two{});
  for (; i + kLanes <= n; i += kLanes) body(i, Full{});
  if (i < n) body(i, Part{static_cast<int>(n - i)});
}

/// Adds up vectors and pairs, in chains that overlap.
class PairSum {
 public:
  void add(FPair x, Two) {
    chains_[0] += x.a;
    chains_[1] += x.b;
  }
  template <class Size>
  void add(F x, Size size) {
    chains_[0] += keep(x, size);
  }
  float total() const { return sum(chains_[0] + chains_[1]); }

 private:
  F chains_[2] = {};
};

}  // namespace causeway::cpu::CAUSEWAY_ISA
