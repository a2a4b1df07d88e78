// AdamW, sums for the norm and the loss, scaling and conversion: one pass over flat memory each.
// Read next: ../optimizer.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"
#include "core/cpu/simd_philox.h"
#include "core/rounding.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

SIMD_INLINE D load_double(const float* p) {
  FHalf x;
  __builtin_memcpy(&x, p, sizeof x);
  return __builtin_convertvector(x, D);
}

/// Σ term(x) in double, in four chains of vectors.
template <class Term>
SIMD_INLINE double sum_in_double(const float* x, int64_t n, Term term) {
  constexpr int kWidth = kLanes / 2;
  D s[4] = {};
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth)
    for (int c = 0; c < 4; ++c) s[c] += term(load_double(x + i + c * kWidth));
  double rest = 0;
  for (; i < n; ++i) rest += term(splat(static_cast<double>(x[i])))[0];
  return sum((s[0] + s[1]) + (s[2] + s[3])) + rest;
}
double sum_of(const float* x, int64_t n) {
  return sum_in_double(x, n, [](D v) { return v; });
}
double sum_of_squares(const float* x, int64_t n) {
  return sum_in_double(x, n, [](D v) { return v * v; });
}

/// New parameter values for one vector; m and v are updated in place.
template <class Size>
SIMD_INLINE F adamw_vector(const AdamWArgs& a, F p, float* m_at, float* v_at, const float* grad,
                           Size part) {
  const F g = load(grad, part) * a.clip_scale;
  const F m = fma(g, splat(a.gain1), load(m_at, part) * a.beta1);
  const F v = fma(g * g, splat(a.gain2), load(v_at, part) * a.beta2);
  store(m_at, m, part);
  store(v_at, v, part);
  const F step = m * a.step_size / (sqrt(v * a.second_scale) + a.eps);
  return p - fma(p, splat(a.decay), step);
}

void adamw(const AdamWArgs& a, void* value, float* master, float* m, float* v, const float* grad,
           int64_t n) {
  float* p = master ? master : static_cast<float*>(value);
  b16* rounded = static_cast<b16*>(value);
  sweep(n, [&](int64_t i, auto part) {
    const F updated = adamw_vector(a, load(p + i, part), m + i, v + i, grad + i, part);
    store(p + i, updated, part);
    if (master) store(rounded + i, updated, part);
  });
}

void adamw_stochastic(const AdamWArgs& a, b16* value, float* m, float* v, const float* grad,
                      int64_t first, int64_t n) {
  sweep_random(a.random, first, n, [&](int64_t i, auto part, U bits) {
    const F updated = adamw_vector(a, load(value + i, part), m + i, v + i, grad + i, part);
    store(value + i, lower_halves(stochastic_bf16((U)updated, bits)), part);
  });
}

template <class T>
void axpby(void* y, float alpha, const void* x, float beta, int64_t n) {
  const T* in = static_cast<const T*>(x);
  T* out = static_cast<T*>(y);
  if (beta == 0)
    sweep(n, [&](int64_t i, auto part) { store(out + i, load(in + i, part) * alpha, part); });
  else
    sweep(n, [&](int64_t i, auto part) {
      store(out + i, fma(load(in + i, part), splat(alpha), load(out + i, part) * beta), part);
    });
}

void widen_all(float* y, const uint16_t* x, int64_t n) {
  sweep(n, [&](int64_t i, auto part) { store(y + i, load(x + i, part), part); });
}
void narrow_all(uint16_t* y, const float* x, int64_t n) {
  sweep(n, [&](int64_t i, auto part) { store(y + i, load(x + i, part), part); });
}

}  // namespace

void fill_optimizer(Kernels& k) {
  k.sum = sum_of, k.sum_of_squares = sum_of_squares;
  k.adamw = adamw, k.adamw_stochastic = adamw_stochastic;
  k.axpby[0] = axpby<float>, k.axpby[1] = axpby<b16>;
  k.widen = widen_all, k.narrow = narrow_all;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
