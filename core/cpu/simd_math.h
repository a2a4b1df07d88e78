// exp, log, tanh and the activations built on them, on vectors of float (Cephes' polynomials,
// public domain, Moshier 1992). tests/ops/cpu_math_test.cpp holds them to the bounds stated here.
// Read next: the kernels.
#pragma once
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {

/// e^r for |r| ≤ ln 2 / 2.
SIMD_INLINE F exp_near_zero(F r) {
  F p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  return fma(p, r * r, r) + 1.0f;
}
constexpr float kLog2E = 1.44269504088896341f, kLn2 = 0.693147180559945309f;

/// x − n·ln 2, in two steps.
SIMD_INLINE F minus_multiple_of_ln2(F x, F n) {
  return fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
}

/// e^x to 2 ulp; where the result would be denormal, below −87.33, it or 0; +∞ above 88.73 at the
/// latest, NaN for NaN.
SIMD_INLINE F exp(F x) {
#if defined(__AVX512F__)
  const F within = min(splat(89.0f), max(splat(-104.0f), x));
  const F n = (F)_mm512_roundscale_ps((__m512)(within * kLog2E), _MM_FROUND_TO_NEAREST_INT);
  const F y = exp_near_zero(minus_multiple_of_ln2(within, n));
  return (F)_mm512_scalef_ps((__m512)y, (__m512)n);
#else
  // Adding 1.5·2^23 rounds x / ln 2 to an integer n and leaves n in the low bits of the sum.
  const F magic = splat(12582912.0f);
  const F shifted = fma(x, splat(kLog2E), magic);
  const F y = exp_near_zero(minus_multiple_of_ln2(x, shifted - magic));
  const F scale = (F)(((U)shifted << 23) + 0x3f800000u);  // 2^n
  const F result = x < -87.33f ? F{} : y * scale;
  return x > 88.37f ? splat(__builtin_inff()) : result;
#endif
}

/// 2^x to 2 ulp; 0 for −∞, NaN for NaN, and what would be denormal may be 0. Softmax counts in
/// units of ln 2 to save what exp needs more. Minimax polynomial of [0, 1], relative error 2e-9.
SIMD_INLINE F exp2(F x) {
#if defined(__AVX512F__)
  const F r = (F)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF);  // x − ⌊x⌋; 0 for ±∞
#else
  const F magic = splat(12582912.0f);  // as in exp
  const F within = min(splat(128.0f), max(splat(-126.0f), x));
  const F shifted = (within - 0.5f) + magic;
  const F r = within - (shifted - magic);
#endif
  F p = splat(2.16129163e-4f);
  p = fma(p, r, splat(1.24678458e-3f));
  p = fma(p, r, splat(9.67545155e-3f));
  p = fma(p, r, splat(5.54852821e-2f));
  p = fma(p, r, splat(2.40229309e-1f));
  p = fma(p, r, splat(6.93147063e-1f));
  p = fma(p, r, splat(1.0f));
#if defined(__AVX512F__)
  return (F)_mm512_scalef_ps((__m512)p, (__m512)x);  // p · 2^⌊x⌋
#else
  const F scale = (F)(((U)shifted << 23) + 0x3f800000u);
  return x < -126.0f ? F{} : p * scale;
#endif
}

/// 2^x for what is then rounded to bf16, which adds a relative error of up to 2e-3: 2.6e-6 in
/// AVX-512, elsewhere as exp2; NaN for NaN.
SIMD_INLINE F exp2_for_bf16(F x) {
#if defined(__AVX512F__)
  const F r = (F)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF);
  F p = splat(1.35341678e-2f);  // minimax on [0, 1]
  p = fma(p, r, splat(5.20114601e-2f));
  p = fma(p, r, splat(2.41442755e-1f));
  p = fma(p, r, splat(6.93003833e-1f));
  p = fma(p, r, splat(1.00000262f));
  return (F)_mm512_scalef_ps((__m512)p, (__m512)x);
#else
  return exp2(x);
#endif
}

/// ln x for normal x > 0, to 2 ulp outside (0.7, 1.5), where the result is small; other x give no
/// meaningful value, NaN gives NaN.
SIMD_INLINE F log(F x) {
  const U bits = (U)x;
  I exponent = (I)(bits >> 23) - 126;
  F m = (F)((bits & 0x007fffffu) | 0x3f000000u);  // in [0.5, 1)
  const I low = m < 0.70710678f;
  exponent += low;  // a true comparison is −1
  m = (low ? m + m : m) - 1.0f;
  const F e = __builtin_convertvector(exponent, F);
  const F z = m * m;
  F p = splat(7.0376836292e-2f);
  p = fma(p, m, splat(-1.1514610310e-1f));
  p = fma(p, m, splat(1.1676998740e-1f));
  p = fma(p, m, splat(-1.2420140846e-1f));
  p = fma(p, m, splat(1.4249322787e-1f));
  p = fma(p, m, splat(-1.6668057665e-1f));
  p = fma(p, m, splat(2.0000714765e-1f));
  p = fma(p, m, splat(-2.4999993993e-1f));
  p = fma(p, m, splat(3.3333331174e-1f));
  F y = p * m * z;
  y = fma(e, splat(-2.12194440e-4f), y);
  y = fma(z, splat(-0.5f), y);
  const F result = fma(e, splat(0.693359375f), m + y);
  return x != x ? x : result;
}

/// tanh x to 2 ulp.
SIMD_INLINE F tanh(F x) {
  const F z = x * x;
  F p = splat(-5.70498872745e-3f);
  p = fma(p, z, splat(2.06390887954e-2f));
  p = fma(p, z, splat(-5.37397155531e-2f));
  p = fma(p, z, splat(1.33314422036e-1f));
  p = fma(p, z, splat(-3.33332819422e-1f));
  const F near = fma(p * z, x, x);
  const F magnitude = (F)((U)x & 0x7fffffffu);
  const F far = 1.0f - 2.0f / (exp(magnitude + magnitude) + 1.0f);
  const F signed_far = (F)((U)far | ((U)x & 0x80000000u));
  return magnitude < 0.625f ? near : signed_far;
}

/// σ(x) and 1 − σ(x), each without cancellation.
struct Sigmoid {
  F on, off;
};
SIMD_INLINE Sigmoid sigmoid(F x) {
  // Beyond ±80 both have long reached 0 or 1; the clamp keeps e^−x finite. NaN passes through.
  const F e = exp(-max(splat(-80.0f), min(splat(80.0f), x)));
  const F on = 1.0f / (1.0f + e);
  return {on, e * on};
}

constexpr float kGeluSlope = 1.5957691216057308f;  // 2·√(2/π)
constexpr float kGeluCubic = 0.044715f;

/// GELU, tanh form: x · (1 + tanh u) / 2 = x · σ(2u), u = √(2/π) · (x + 0.044715 x³).
/// Hendrycks & Gimpel 2016, arXiv:1606.08415.
SIMD_INLINE F gelu(F x) {
  const F inner = x * fma(x * x, splat(kGeluSlope * kGeluCubic), splat(kGeluSlope));
  return x * sigmoid(inner).on;
}
SIMD_INLINE F gelu_slope(F x) {
  const F square = x * x;
  const F inner = x * fma(square, splat(kGeluSlope * kGeluCubic), splat(kGeluSlope));
  const F d_inner = fma(square, splat(3 * kGeluSlope * kGeluCubic), splat(kGeluSlope));
  const Sigmoid s = sigmoid(inner);
  return s.on * fma(x * s.off, d_inner, splat(1.0f));
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
