// Vectors of float for the kernel files, which are compiled once per instruction set (the macro
// CAUSEWAY_ISA names the namespace). Only static functions and C headers here: an inline function
// shared between instruction sets could smuggle AVX-512 code into a program on an older CPU.
// Read next: simd_math.h (exp, log, tanh), kernels.h.
#pragma once
#include <stdint.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define SIMD_INLINE static inline __attribute__((always_inline))

namespace causeway::cpu::CAUSEWAY_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float F __attribute__((vector_size(4 * kLanes)));
typedef int32_t I __attribute__((vector_size(4 * kLanes)));
typedef uint32_t U __attribute__((vector_size(4 * kLanes)));
typedef uint64_t U64 __attribute__((vector_size(4 * kLanes)));
typedef double D __attribute__((vector_size(4 * kLanes)));      // half as many lanes
typedef float FHalf __attribute__((vector_size(2 * kLanes)));   // the f32 of one D
typedef uint16_t B16 __attribute__((vector_size(2 * kLanes)));  // bf16 storage of one F

using b16 = uint16_t;  ///< one bf16 in memory; core/dtype.h's class stays out of kernel files

SIMD_INLINE F splat(float x) { return x - F{}; }
SIMD_INLINE U splat_bits(uint32_t x) { return x - U{}; }
SIMD_INLINE D splat(double x) { return x - D{}; }

/// a · b + c, rounded once where the instruction set can (never in baseline).
SIMD_INLINE F fma(F a, F b, F c) {
#if defined(__AVX512F__)
  return (F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

/// A NaN in b comes through, as the instructions do it (g++ 12 would compare, then choose).
SIMD_INLINE F max(F a, F b) {
#if defined(__AVX512F__)
  return (F)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (F)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return a > b ? a : b;
#endif
}
SIMD_INLINE F min(F a, F b) {
#if defined(__AVX512F__)
  return (F)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (F)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return a < b ? a : b;
#endif
}

SIMD_INLINE F sqrt(F x) {
#if defined(__AVX512F__)
  return (F)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (F)_mm256_sqrt_ps((__m256)x);
#else
  F y;
  for (int i = 0; i < kLanes; ++i) y[i] = __builtin_sqrtf(x[i]);
  return y;
#endif
}

/// The product of the lower halves of each 64-bit lane.
SIMD_INLINE U64 multiply_low_halves(U64 a, U64 b) {
#if defined(__AVX512F__)
  return (U64)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (U64)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
  const U64 low = U64{} + 0xffffffffu;
  return (a & low) * (b & low);
#endif
}

// ---- memory. Full reads and writes a whole vector, Part its first n < kLanes lanes; the other
// lanes read as zero and are left alone by a store.

struct Full {};
struct Part {
  int n;
};

SIMD_INLINE F load(const float* p, Full = {}) {
  F x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
SIMD_INLINE void store(float* p, F x, Full = {}) { __builtin_memcpy(p, &x, sizeof x); }

SIMD_INLINE F load(const float* p, Part part) {
#if defined(__AVX512F__)
  return (F)_mm512_maskz_loadu_ps((__mmask16)((1u << part.n) - 1), p);
#else
  F x{};
  for (int i = 0; i < part.n; ++i) x[i] = p[i];
  return x;
#endif
}
SIMD_INLINE void store(float* p, F x, Part part) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << part.n) - 1), (__m512)x);
#else
  for (int i = 0; i < part.n; ++i) p[i] = x[i];
#endif
}

/// bf16 is the upper half of an f32.
SIMD_INLINE F widen(B16 bits) {
#if defined(__AVX512F__)  // GCC 12 would widen in two halves and join them
  return (F)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)bits), 16);
#else
  return (F)(__builtin_convertvector(bits, U) << 16);
#endif
}

/// The lower 16 bits of each lane.
SIMD_INLINE B16 lower_halves(U x) {
#if defined(__AVX512F__)
  return (B16)_mm512_cvtepi32_epi16((__m512i)x);
#else
  return __builtin_convertvector(x, B16);
#endif
}

/// The bits of x, the upper half rounded to nearest even: bit for bit what core/dtype.h keeps of x.
/// NaN stays NaN.
SIMD_INLINE U rounded_to_bf16(F x) {
  const U u = (U)x;
  const U rounded = u + 0x7fffu + ((u >> 16) & 1u);
  const U quiet = u | 0x00400000u;
#if defined(__AVX512F__)
  const __mmask16 nan = _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q);
  return (U)_mm512_mask_mov_epi32((__m512i)rounded, nan, (__m512i)quiet);
#else
  return (I)(u & 0x7fffffffu) > 0x7f800000 ? quiet : rounded;
#endif
}
SIMD_INLINE B16 narrow(F x) {
#if defined(__AVX512BF16__)
  constexpr int kDenormal = 0x20;  // the conversion would flush them
  if (__builtin_expect(_mm512_fpclass_ps_mask((__m512)x, kDenormal) == 0, 1))
    return (B16)_mm512_cvtneps_pbh((__m512)x);
#endif
  return lower_halves(rounded_to_bf16(x) >> 16);
}

SIMD_INLINE B16 load_bits(const b16* p, Full = {}) {
  B16 bits;
  __builtin_memcpy(&bits, p, sizeof bits);
  return bits;
}
SIMD_INLINE B16 load_bits(const b16* p, Part part) {
#if defined(__AVX512F__)
  return (B16)_mm256_maskz_loadu_epi16((__mmask16)((1u << part.n) - 1), p);
#else
  B16 bits{};
  for (int i = 0; i < part.n; ++i) bits[i] = p[i];
  return bits;
#endif
}
template <class Size = Full>
SIMD_INLINE F load(const b16* p, Size size = {}) {
  return widen(load_bits(p, size));
}
SIMD_INLINE void store(b16* p, B16 bits, Full = {}) { __builtin_memcpy(p, &bits, sizeof bits); }
SIMD_INLINE void store(b16* p, B16 bits, Part part) {
#if defined(__AVX512F__)
  _mm256_mask_storeu_epi16(p, (__mmask16)((1u << part.n) - 1), (__m256i)bits);
#else
  for (int i = 0; i < part.n; ++i) p[i] = bits[i];
#endif
}
template <class Size = Full>
SIMD_INLINE void store(b16* p, F x, Size size = {}) {
  store(p, narrow(x), size);
}

/// Stores, and gives what a load would read back.
template <class Size>
SIMD_INLINE F store_rounded(float* p, F x, Size size) {
  store(p, x, size);
  return x;
}
template <class Size>
SIMD_INLINE F store_rounded(b16* p, F x, Size size) {
  const B16 bits = narrow(x);
  store(p, bits, size);
  return widen(bits);
}

/// One element as f32.
SIMD_INLINE float load_one(const float* p) { return *p; }
SIMD_INLINE float load_one(const b16* p) {
  const uint32_t bits = uint32_t{*p} << 16;
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

/// body(i, Full or Part) for every vector of [0, n).
template <class Body>
SIMD_INLINE void sweep(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, Full{});
  if (i < n) body(i, Part{static_cast<int>(n - i)});
}

/// 0, 1, 2, ...
SIMD_INLINE I lane_numbers() {
  I lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return lane;
}

/// Lanes that hold data: zero beyond them, so that a sum is not touched by what fills a part.
SIMD_INLINE F keep(F x, Full) { return x; }
SIMD_INLINE F keep(F x, Part part) { return lane_numbers() < part.n ? x : F{}; }

// ---- across lanes, always in the same order

/// Combines the upper half of the lanes with the lower, until one is left.
template <class Combine>
SIMD_INLINE float across(F x, Combine combine) {
#if defined(__AVX512F__)
  x = combine(x,
              __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  x = combine(x,
              __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  x = combine(x,
              __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  x = combine(x,
              __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
#elif defined(__AVX2__)
  x = combine(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3));
  x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5));
  x = combine(x, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6));
#else
  x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1));
  x = combine(x, __builtin_shufflevector(x, x, 1, 0, 3, 2));
#endif
  return x[0];
}
SIMD_INLINE float sum(F x) {
  return across(x, [](F a, F b) { return a + b; });
}
SIMD_INLINE float max(F x) {
  return across(x, [](F a, F b) { return max(a, b); });
}
SIMD_INLINE double sum(D x) {
  double lanes[kLanes / 2];
  __builtin_memcpy(lanes, &x, sizeof x);
  double total = 0;
  for (int i = 0; i < kLanes / 2; ++i) total += lanes[i];
  return total;
}

/// Σ of term(i, Full or Part) over the vectors of [0, n): four chains, so that additions overlap,
/// and shorter chains mean smaller rounding errors.
template <class Term>
SIMD_INLINE float sum_over(int64_t n, Term term) {
  F s[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int c = 0; c < 4; ++c) s[c] += term(i + c * kLanes, Full{});
  for (; i + kLanes <= n; i += kLanes) s[0] += term(i, Full{});
  if (i < n) {
    const Part part{static_cast<int>(n - i)};
    s[1] += keep(term(i, part), part);
  }
  return sum((s[0] + s[1]) + (s[2] + s[3]));
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
