// Token and position embedding, and rotary positions. See core/backend.h.
#include "core/ops_check.h"
#include "tests/reference/reference_backend.h"

namespace causeway::reference {

template <class T>
void ReferenceBackend<T>::embedding_forward(const Tensor& y_, const Tensor& tokens_,
                                            const Tensor& wte_, const Tensor& wpe_,
                                            const Tensor& position_) {
  check_embedding_forward(y_, tokens_, wte_, wpe_, position_);
  const Mat<T> y(y_), wte(wte_), wpe(wpe_);
  const Ints tokens(tokens_), position(position_);
  const int64_t B = tokens_.shape[0], time = tokens_.shape[1], C = y_.shape[1];

  for (int64_t b = 0; b < B; ++b)
    for (int64_t t = 0; t < time; ++t)
      for (int64_t c = 0; c < C; ++c) {
        y(b * time + t, c) = wte(tokens(b, t), c);
        if (wpe) y(b * time + t, c) += wpe(position ? position(b, t) : t, c);
      }
}

template <class T>
void ReferenceBackend<T>::embedding_backward(const EmbeddingBackward& op) {
  check(op);
  const auto& [d_wte_, wte_mode, d_wpe_, wpe_mode, d_y_, tokens_, position_] = op;
  const Mat<T> d_wte(d_wte_), d_wpe(d_wpe_), d_y(d_y_);
  const Ints tokens(tokens_), position(position_);
  const int64_t B = tokens_.shape[0], time = tokens_.shape[1], C = d_y_.shape[1];
  if (d_wte && wte_mode == GradMode::Overwrite) zero(d_wte_);
  if (d_wpe && wpe_mode == GradMode::Overwrite) zero(d_wpe_);

  for (int64_t b = 0; b < B; ++b)
    for (int64_t t = 0; t < time; ++t)
      for (int64_t c = 0; c < C; ++c) {
        const T d = d_y(b * time + t, c);
        if (d_wte) d_wte(tokens(b, t), c) += d;
        if (d_wpe) d_wpe(position ? position(b, t) : t, c) += d;
      }
}

/// A rotation by angle θ; its transpose, the backward, is the rotation by −θ.
template <class T>
void ReferenceBackend<T>::rope(const Tensor& x_, const Tensor& table_, const Tensor& position_,
                               RopeDirection direction) {
  check_rope(x_, table_, position_);
  const View<T, 4> x(x_);
  const Mat<T> table(table_);
  const Ints position(position_);
  const int64_t B = x_.shape[0], time = x_.shape[1], H = x_.shape[2], half = x_.shape[3] / 2;
  const double sign = direction == RopeDirection::Forward ? 1 : -1;

  for (int64_t b = 0; b < B; ++b)
    for (int64_t t = 0; t < time; ++t)
      for (int64_t h = 0; h < H; ++h)
        for (int64_t d = 0; d < half; ++d) {
          const int64_t p = position ? position(b, t) : t;
          const T cos = table(p, d), sin = sign * table(p, half + d);
          const T u = x(b, t, h, d), w = x(b, t, h, half + d);
          x(b, t, h, d) = u * cos - w * sin;
          x(b, t, h, half + d) = u * sin + w * cos;
        }
}

template void ReferenceBackend<double>::embedding_forward(const Tensor&, const Tensor&,
                                                          const Tensor&, const Tensor&,
                                                          const Tensor&);
template void ReferenceBackend<Complex>::embedding_forward(const Tensor&, const Tensor&,
                                                           const Tensor&, const Tensor&,
                                                           const Tensor&);
template void ReferenceBackend<double>::embedding_backward(const EmbeddingBackward&);
template void ReferenceBackend<Complex>::embedding_backward(const EmbeddingBackward&);
template void ReferenceBackend<double>::rope(const Tensor&, const Tensor&, const Tensor&,
                                             RopeDirection);
template void ReferenceBackend<Complex>::rope(const Tensor&, const Tensor&, const Tensor&,
                                              RopeDirection);

}  // namespace causeway::reference
