// Layer norm and RMS norm with a fused residual branch. See core/backend.h, struct NormForward.
#include <cmath>

#include "core/ops_check.h"
#include "tests/reference/reference_backend.h"

namespace causeway::reference {
namespace {

/// (N, C) as (N, 1, C), so that one loop serves both shapes.
template <class T>
View<T, 3> rows(Tensor t) {
  if (t && t.rank == 2) {
    t.rank = 3;
    t.shape = {t.shape[0], 1, t.shape[1]};
    t.stride = {t.stride[0], 0, t.stride[1]};
  }
  return View<T, 3>(t);
}

/// (N) as (N, 1).
template <class T>
Mat<T> per_row(Tensor t) {
  if (t && t.rank == 1) {
    t.rank = 2;
    t.shape[1] = 1;
    t.stride[1] = 0;
  }
  return Mat<T>(t);
}

struct Sizes {
  int64_t N, H, C;
  explicit Sizes(const Tensor& x)
      : N(x.shape[0]), H(x.rank == 3 ? x.shape[1] : 1), C(x.shape[x.rank - 1]) {}
};

}  // namespace

template <class T>
void ReferenceBackend<T>::norm_forward(const NormForward& op) {
  check(op);
  const Sizes size(op.x);
  const int64_t C = size.C;
  const auto y = rows<T>(op.y), sum = rows<T>(op.sum), x = rows<T>(op.x),
             branch = rows<T>(op.branch);
  const auto mean = per_row<T>(op.mean), rstd = per_row<T>(op.rstd);
  const Vec<T> weight(op.weight), bias(op.bias);
  std::vector<T> s(C);  // one row of x + branch: y and sum may lie where x lies

  for (int64_t n = 0; n < size.N; ++n)
    for (int64_t h = 0; h < size.H; ++h) {
      for (int64_t c = 0; c < C; ++c) s[c] = branch ? x(n, h, c) + branch(n, h, c) : x(n, h, c);
      T mu(0), variance(0);
      if (op.kind == NormKind::LayerNorm) {
        for (const T& e : s) mu += e / double(C);
        mean(n, h) = mu;
      }
      for (const T& e : s) variance += (e - mu) * (e - mu) / double(C);
      const T r = 1.0 / std::sqrt(variance + op.eps);
      rstd(n, h) = r;
      for (int64_t c = 0; c < C; ++c) {
        if (sum) sum(n, h, c) = s[c];
        y(n, h, c) = (s[c] - mu) * r * weight(c) + (bias ? bias(c) : T(0));
      }
    }
}

/// With x̂ = (x − mean) · rstd and g = d_y · weight, over a row:
///   d_x = rstd · (g − ⟨g⟩ − x̂ · ⟨g · x̂⟩), without ⟨g⟩ for RmsNorm, which subtracts no mean.
template <class T>
void ReferenceBackend<T>::norm_backward(const NormBackward& op) {
  check(op);
  const Sizes size(op.x);
  const int64_t C = size.C;
  const auto d_x = rows<T>(op.d_x), d_y = rows<T>(op.d_y), x = rows<T>(op.x);
  const auto d_residual = rows<T>(op.d_residual);
  const auto mean = per_row<T>(op.mean), rstd = per_row<T>(op.rstd);
  const Vec<T> d_weight(op.d_weight), d_bias(op.d_bias), weight(op.weight);
  std::vector<T> x_hat(C), g(C);

  for (int64_t c = 0; c < C; ++c) {
    d_weight(c) = base(op.mode, d_weight(c));
    if (d_bias) d_bias(c) = base(op.mode, d_bias(c));
  }
  for (int64_t n = 0; n < size.N; ++n)
    for (int64_t h = 0; h < size.H; ++h) {
      T mean_g(0), mean_g_x_hat(0);
      for (int64_t c = 0; c < C; ++c) {
        x_hat[c] = (x(n, h, c) - (mean ? mean(n, h) : T(0))) * rstd(n, h);
        g[c] = d_y(n, h, c) * weight(c);
        if (mean) mean_g += g[c] / double(C);
        mean_g_x_hat += g[c] * x_hat[c] / double(C);
        d_weight(c) += d_y(n, h, c) * x_hat[c];
        if (d_bias) d_bias(c) += d_y(n, h, c);
      }
      for (int64_t c = 0; c < C; ++c)
        d_x(n, h, c) = rstd(n, h) * (g[c] - mean_g - x_hat[c] * mean_g_x_hat) +
                       (d_residual ? d_residual(n, h, c) : T(0));
    }
}

template void ReferenceBackend<double>::norm_forward(const NormForward&);
template void ReferenceBackend<Complex>::norm_forward(const NormForward&);
template void ReferenceBackend<double>::norm_backward(const NormBackward&);
template void ReferenceBackend<Complex>::norm_backward(const NormBackward&);

}  // namespace causeway::reference
