// Layer norm and RMS norm, row by row. Derivation of the backward: docs/operations.md.
// Read next: ../norm.cpp, which cuts the rows into pieces.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

template <class T>
T* row_of(const Rows& rows, int64_t heads, int64_t row) {
  if (!rows.data) return nullptr;
  if (heads == 1) return static_cast<T*>(rows.data) + row * rows.outer;
  return static_cast<T*>(rows.data) + (row / heads) * rows.outer + (row % heads) * rows.inner;
}

/// Σ of the row that is normalised. With a branch it is sum = x + branch, which is made here and
/// rounded to the storage type: the statistics are those of what the backward will read.
template <class T>
float row_sum(T* sum, const T* x, const T* branch, int64_t width) {
  if (!branch) return sum_over(width, [&](int64_t i, auto part) { return load(x + i, part); });
  return sum_over(width, [&](int64_t i, auto part) {
    return store_rounded(sum + i, load(x + i, part) + load(branch + i, part), part);
  });
}

template <class T>
void norm_forward_row(const NormForwardArgs& a, T* y, const T* x, float mean, int64_t row) {
  const int64_t width = a.width;
  // Two passes over a row in cache: Σ(x − mean)² does not cancel as mean(x²) − mean² would.
  const F m = splat(mean);
  const float squares = sum_over(width, [&](int64_t i, auto part) {
    const F centered = load(x + i, part) - m;
    return centered * centered;
  });
  const float rstd = 1.0f / __builtin_sqrtf(squares / static_cast<float>(width) + a.eps);
  a.rstd[row] = rstd;
  const T* weight = static_cast<const T*>(a.weight);
  const T* bias = static_cast<const T*>(a.bias);
  const F r = splat(rstd);
  sweep(width, [&](int64_t i, auto part) {
    F out = (load(x + i, part) - m) * r * load(weight + i, part);
    if (bias) out += load(bias + i, part);
    store(y + i, out, part);
  });
}

template <class T>
void norm_forward(const NormForwardArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const T* x = row_of<T>(a.x, a.heads, row);
    T* sum = row_of<T>(a.sum, a.heads, row);
    const T* branch = row_of<T>(a.branch, a.heads, row);
    float mean = 0;
    if (a.centered || branch) mean = row_sum(sum, x, branch, a.width) / static_cast<float>(a.width);
    if (a.centered) a.mean[row] = mean;
    norm_forward_row(a, row_of<T>(a.y, a.heads, row), branch ? sum : x, a.centered ? mean : 0.0f,
                     row);
  }
}

/// With x̂ = (x − mean)·rstd and g = d_y·weight: d_x = rstd·(g − mean(g) − x̂·mean(g·x̂)), where RMS
/// norm lacks mean(g); d_weight += d_y·x̂; d_bias += d_y.
template <class T>
void norm_backward_row(const NormBackwardArgs& a, int64_t row, float* d_weight, float* d_bias) {
  const T* x = row_of<T>(a.x, a.heads, row);
  const T* d_y = row_of<T>(a.d_y, a.heads, row);
  const T* d_residual = row_of<T>(a.d_residual, a.heads, row);
  const T* weight = static_cast<const T*>(a.weight);
  T* d_x = row_of<T>(a.d_x, a.heads, row);
  const F mean = splat(a.mean ? a.mean[row] : 0.0f), rstd = splat(a.rstd[row]);
  F sum_g[2] = {}, sum_gx[2] = {};
  int chain = 0;
  sweep(a.width, [&](int64_t i, auto part) {
    const F dy = load(d_y + i, part);
    const F x_hat = (load(x + i, part) - mean) * rstd;
    const F g = dy * load(weight + i, part);  // zero beyond the row's end, as dy is
    sum_g[chain] += g;
    sum_gx[chain] = fma(g, x_hat, sum_gx[chain]);
    chain ^= 1;
    store(d_weight + i, fma(dy, x_hat, load(d_weight + i, part)), part);
    if (d_bias) store(d_bias + i, load(d_bias + i, part) + dy, part);
  });
  const float count = static_cast<float>(a.width);
  const F mean_g = splat(a.mean ? sum(sum_g[0] + sum_g[1]) / count : 0.0f);
  const F mean_gx = splat(sum(sum_gx[0] + sum_gx[1]) / count);
  sweep(a.width, [&](int64_t i, auto part) {
    const F x_hat = (load(x + i, part) - mean) * rstd;
    const F g = load(d_y + i, part) * load(weight + i, part);
    F out = rstd * (g - mean_g - x_hat * mean_gx);
    if (d_residual) out += load(d_residual + i, part);
    store(d_x + i, out, part);
  });
}

template <class T>
void norm_backward(const NormBackwardArgs& a, int64_t begin, int64_t end, float* d_weight,
                   float* d_bias) {
  for (int64_t i = 0; i < a.width; ++i) d_weight[i] = 0;
  for (int64_t i = 0; d_bias && i < a.width; ++i) d_bias[i] = 0;
  for (int64_t row = begin; row < end; ++row) norm_backward_row<T>(a, row, d_weight, d_bias);
}

void add_parts(float* out, const float* parts, int64_t count, int64_t stride, int64_t width,
               bool accumulate) {
  sweep(width, [&](int64_t c, auto part) {
    F total{};
    for (int64_t i = 0; i < count; ++i) total += load(parts + i * stride + c, part);
    if (accumulate) total += load(out + c, part);
    store(out + c, total, part);
  });
}

}  // namespace

void fill_norm(Kernels& k) {
  k.norm_forward[0] = norm_forward<float>, k.norm_forward[1] = norm_forward<b16>;
  k.norm_backward[0] = norm_backward<float>, k.norm_backward[1] = norm_backward<b16>;
  k.add_parts = add_parts;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
