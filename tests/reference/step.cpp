// The step's operations: sums, clipping and guard, AdamW, axpby. See core/backend.h.
#include <algorithm>
#include <cmath>

#include "core/ops_check.h"
#include "tests/reference/reference_backend.h"

namespace causeway::reference {

template <class T>
void ReferenceBackend<T>::sum(const Tensor& out_, const Tensor& x_) {
  check_sum(out_, x_);
  const auto out = flat<T>(out_), x = flat<T>(x_);
  T total(0);
  for (int64_t i = 0; i < x_.numel(); ++i) total += x(i);
  out(0) = total;
}

/// x·x, not |x|²: analytic, and equal for real x.
template <class T>
void ReferenceBackend<T>::sum_of_squares(const Tensor& partials_, const Tensor& x_) {
  check_sum_of_squares(partials_, x_);
  const auto partials = flat<T>(partials_), x = flat<T>(x_);
  const int64_t n = x_.numel();
  for (int64_t c = 0; c < partials_.numel(); ++c) {
    T total(0);
    for (int64_t i = c * kNormChunk; i < std::min(n, (c + 1) * kNormChunk); ++i)
      total += x(i) * x(i);
    partials(c) = total;
  }
}

/// min(1, max_norm / norm) has a kink where the norm is max_norm; elsewhere the branch that the
/// real part takes is the function's, derivative included. kFinite is a decision, not a value: its
/// derivative is 0.
template <class T>
void ReferenceBackend<T>::clip_and_guard(const Tensor& scalars_, const Tensor& partials_,
                                         const Tensor& losses_, double max_norm) {
  check_clip_and_guard(scalars_, partials_, losses_, max_norm);
  const auto scalars = flat<T>(scalars_), partials = flat<T>(partials_), losses = flat<T>(losses_);
  T loss(0), squares(0);
  for (int64_t i = 0; i < losses_.numel(); ++i) loss += losses(i);
  for (int64_t i = 0; i < partials_.numel(); ++i) squares += partials(i);
  const T norm = std::sqrt(squares);
  const bool clip = max_norm > 0 && std::real(norm) > max_norm;
  scalars(kLoss) = loss;
  scalars(kGradNorm) = norm;
  scalars(kClipScale) = clip ? max_norm / norm : T(1);
  scalars(kFinite) = std::isfinite(std::real(loss)) && std::isfinite(std::real(norm)) ? 1.0 : 0.0;
}

template <class T>
void ReferenceBackend<T>::adamw(const AdamW& op, std::span<const AdamWSlice> slices) {
  check(op, slices);
  const auto scalars = flat<T>(op.scalars);
  if (std::real(scalars(kFinite)) == 0) return;
  const double correction1 = 1 - std::pow(op.beta1, op.step);
  const double correction2 = 1 - std::pow(op.beta2, op.step);
  for (const AdamWSlice& slice : slices) {
    const auto p = flat<T>(slice.value), m = flat<T>(slice.m), v = flat<T>(slice.v);
    const auto grad = flat<T>(slice.grad);
    for (int64_t i = 0; i < slice.value.numel(); ++i) {
      const T g = grad(i) * scalars(kClipScale);
      m(i) = op.beta1 * m(i) + (1 - op.beta1) * g;
      v(i) = op.beta2 * v(i) + (1 - op.beta2) * g * g;
      const T update = m(i) / correction1 / (std::sqrt(v(i) / correction2) + op.eps);
      p(i) -= op.lr * (update + slice.weight_decay * p(i));
    }
  }
}

template <class T>
void ReferenceBackend<T>::axpby(const Tensor& y_, double alpha, const Tensor& x_, double beta) {
  check_axpby(y_, x_);
  const auto y = flat<T>(y_), x = flat<T>(x_);
  for (int64_t i = 0; i < y_.numel(); ++i)
    y(i) = beta == 0 ? alpha * x(i) : alpha * x(i) + beta * y(i);
}

template void ReferenceBackend<double>::sum(const Tensor&, const Tensor&);
template void ReferenceBackend<Complex>::sum(const Tensor&, const Tensor&);
template void ReferenceBackend<double>::sum_of_squares(const Tensor&, const Tensor&);
template void ReferenceBackend<Complex>::sum_of_squares(const Tensor&, const Tensor&);
template void ReferenceBackend<double>::clip_and_guard(const Tensor&, const Tensor&, const Tensor&,
                                                       double);
template void ReferenceBackend<Complex>::clip_and_guard(const Tensor&, const Tensor&, const Tensor&,
                                                        double);
template void ReferenceBackend<double>::adamw(const AdamW&, std::span<const AdamWSlice>);
template void ReferenceBackend<Complex>::adamw(const AdamW&, std::span<const AdamWSlice>);
template void ReferenceBackend<double>::axpby(const Tensor&, double, const Tensor&, double);
template void ReferenceBackend<Complex>::axpby(const Tensor&, double, const Tensor&, double);

}  // namespace causeway::reference
