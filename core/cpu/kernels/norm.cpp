// Layer norm and RMS norm, row by row. Derivation of the backward: docs/operations.md.
// Read next: ../norm.cpp, which cuts the rows into pieces.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_pairs.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

template <class T>
T* row_of(const Rows& rows, int64_t heads, int64_t row) {
  if (!rows.data) return nullptr;
  if (heads == 1) return static_cast<T*>(rows.data) + row * rows.outer;
  return static_cast<T*>(rows.data) + (row / heads) * rows.outer + (row % heads) * rows.inner;
}

/// What the next row will read, asked for while this one is at work: the processor's own prefetch
/// ends with the page. Null pointers ask for nothing.
template <class T, int kRows>
struct NextRow {
  const T* rows[kRows];
  template <class Size>
  void ask(int64_t i, Size size) const {
    for (const T* row : rows)
      if (row) prefetch(row + i, size);
  }
};

/// Σ of the row that is normalised. With a branch it is sum = x + branch, which is made here and
/// rounded to the storage type: the statistics are those of what the backward will read.
template <class T>
float row_sum(T* sum, const T* x, const T* branch, int64_t width) {
  PairSum total;
  sweep_pairs(width, [&](int64_t i, auto part) {
    if (!branch) return total.add(load(x + i, part), part);
    const auto added =
        each([](F a, F b) { return a + b; }, load(x + i, part), load(branch + i, part));
    total.add(store_rounded(sum + i, added, part), part);
  });
  return total.total();
}

template <class T>
void norm_forward_row(const NormForwardArgs& a, T* y, const T* x, float mean, int64_t row,
                      NextRow<T, 2> next) {
  const int64_t width = a.width;
  // Two passes over a row in cache: Σ(x − mean)² does not cancel as mean(x²) − mean² would.
  const F m = splat(mean);
  PairSum squares;
  sweep_pairs(width, [&](int64_t i, auto part) {
    next.ask(i, part);
    squares.add(each([&](F v) { return (v - m) * (v - m); }, load(x + i, part)), part);
  });
  const float rstd = 1.0f / __builtin_sqrtf(squares.total() / static_cast<float>(width) + a.eps);
  a.rstd[row] = rstd;
  const T* weight = static_cast<const T*>(a.weight);
  const T* bias = static_cast<const T*>(a.bias);
  const F r = splat(rstd);
  sweep_pairs(width, [&](int64_t i, auto part) {
    auto out =
        each([&](F v, F w) { return (v - m) * r * w; }, load(x + i, part), load(weight + i, part));
    if (bias) out = each([](F v, F b) { return v + b; }, out, load(bias + i, part));
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
    NextRow<T, 2> next{};
    if (row + 1 < end)
      next = {row_of<T>(a.x, a.heads, row + 1), row_of<T>(a.branch, a.heads, row + 1)};
    norm_forward_row(a, row_of<T>(a.y, a.heads, row), branch ? sum : x, a.centered ? mean : 0.0f,
                     row, next);
  }
}

/// With x̂ = (x − mean)·rstd and g = d_y·weight: d_x = rstd·(g − mean(g) − x̂·mean(g·x̂)), where RMS
/// norm lacks mean(g); d_weight += d_y·x̂; d_bias += d_y. Both are summed as the pairs of T come.
template <class T>
void norm_backward_row(const NormBackwardArgs& a, int64_t row, float* d_weight, float* d_bias,
                       NextRow<T, 3> next) {
  const T* x = row_of<T>(a.x, a.heads, row);
  const T* d_y = row_of<T>(a.d_y, a.heads, row);
  const T* d_residual = row_of<T>(a.d_residual, a.heads, row);
  const T* weight = static_cast<const T*>(a.weight);
  T* d_x = row_of<T>(a.d_x, a.heads, row);
  const F mean = splat(a.mean ? a.mean[row] : 0.0f), rstd = splat(a.rstd[row]);
  const auto normalised = [&](F v) { return (v - mean) * rstd; };
  const auto times = [](F v, F w) { return v * w; };
  PairSum sum_g, sum_gx;
  sweep_pairs(a.width, [&](int64_t i, auto part) {
    const auto dy = load(d_y + i, part), x_hat = each(normalised, load(x + i, part));
    const auto g = each(times, dy, load(weight + i, part));  // zero beyond the row's end, as dy is
    sum_g.add(g, part);
    sum_gx.add(each(times, g, x_hat), part);
    const auto sum = load(d_weight + i, part);
    store(d_weight + i, each([](F d, F v, F s) { return fma(d, v, s); }, dy, x_hat, sum), part);
    if (!d_bias) return;
    store(d_bias + i, each([](F s, F d) { return s + d; }, load(d_bias + i, part), dy), part);
  });
  const float count = static_cast<float>(a.width);
  const F mean_g = splat(a.mean ? sum_g.total() / count : 0.0f);
  const F mean_gx = splat(sum_gx.total() / count);
  sweep_pairs(a.width, [&](int64_t i, auto part) {
    next.ask(i, part);
    const auto x_hat = each(normalised, load(x + i, part));
    const auto g = each(times, load(d_y + i, part), load(weight + i, part));
    auto out = each([&](F v, F h) { return rstd * (v - mean_g - h * mean_gx); }, g, x_hat);
    if (d_residual) out = each([](F v, F r) { return v + r; }, out, load(d_residual + i, part));
    store(d_x + i, out, part);
  });
}

template <class T>
void norm_backward(const NormBackwardArgs& a, int64_t begin, int64_t end, float* d_weight,
                   float* d_bias) {
  for (int64_t i = 0; i < a.width; ++i) d_weight[i] = 0;
  for (int64_t i = 0; d_bias && i < a.width; ++i) d_bias[i] = 0;
  for (int64_t row = begin; row < end; ++row) {
    NextRow<T, 3> next{};
    if (row + 1 < end)
      next = {row_of<T>(a.x, a.heads, row + 1), row_of<T>(a.d_y, a.heads, row + 1),
              row_of<T>(a.d_residual, a.heads, row + 1)};
    norm_backward_row<T>(a, row, d_weight, d_bias, next);
  }
  put_in_order(d_weight, a.width, static_cast<const T*>(nullptr));
  if (d_bias) put_in_order(d_bias, a.width, static_cast<const T*>(nullptr));
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
