// Causal attention, row by row. See core/backend.h, struct AttentionOptions.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ops_check.h"
#include "tests/reference/math.h"
#include "tests/reference/reference_backend.h"

namespace causeway::reference {
namespace {

template <class T>
using Heads = View<T, 4>;

/// The scores of one query over the keys it sees; shared by forward and backward.
template <class T>
class Scores {
 public:
  Scores(const AttentionOptions& options, const Tensor& q, const Tensor& k)
      : options_(options),
        q_(q),
        k_(k),
        slopes_(options.alibi_slopes),
        segment_start_(options.segment_start),
        size_(q.shape[3]),
        group_(q.shape[2] / k.shape[2]),
        offset_(k.shape[1] - q.shape[1]) {}

  /// First and last key that query t of sequence b sees.
  int64_t first(int64_t b, int64_t t) const {
    const int64_t window = options_.window ? last(t) - options_.window + 1 : 0;
    const int64_t segment = segment_start_ ? segment_start_(b, t) : 0;
    return std::max<int64_t>({0, window, segment});
  }
  int64_t last(int64_t t) const { return t + offset_; }
  int64_t kv_head(int64_t h) const { return h / group_; }

  /// softcap(q·k · scale), before ALiBi.
  T capped(int64_t b, int64_t t, int64_t h, int64_t j) const {
    T dot(0);
    for (int64_t d = 0; d < size_; ++d) dot += q_(b, t, h, d) * k_(b, j, kv_head(h), d);
    return soft_cap(T(dot * options_.scale), options_.softcap);
  }
  /// What ALiBi subtracts.
  T penalty(int64_t t, int64_t h, int64_t j) const {
    return slopes_ ? slopes_(h) * double(last(t) - j) : T(0);
  }
  /// d (q·k) for a given d score.
  T d_dot(const T& d_score, const T& capped) const {
    return d_score * soft_cap_slope(capped, options_.softcap) * options_.scale;
  }

 private:
  const AttentionOptions& options_;
  Heads<T> q_, k_;
  Vec<T> slopes_;
  Ints segment_start_;
  int64_t size_, group_, offset_;
};

}  // namespace

template <class T>
void ReferenceBackend<T>::attention_forward(const AttentionForward& op) {
  check(op);
  const Scores<T> scores(op.options, op.q, op.k);
  const Heads<T> o(op.o), v(op.v);
  const View<T, 3> lse(op.lse);
  const int64_t B = op.q.shape[0], Tq = op.q.shape[1], H = op.q.shape[2], D = op.q.shape[3];
  std::vector<T> p(op.k.shape[1]);

  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t t = 0; t < Tq; ++t) {
        const int64_t first = scores.first(b, t), last = scores.last(t);
        // The shift is a constant that cancels out, so taking it from the real parts alone changes
        // no derivative.
        double shift = -std::numeric_limits<double>::infinity();
        for (int64_t j = first; j <= last; ++j) {
          p[j] = scores.capped(b, t, h, j) - scores.penalty(t, h, j);
          shift = std::max(shift, std::real(p[j]));
        }
        T total(0);
        for (int64_t j = first; j <= last; ++j) total += p[j] = std::exp(p[j] - shift);
        lse(b, h, t) = shift + std::log(total);
        for (int64_t d = 0; d < D; ++d) {
          T mix(0);
          for (int64_t j = first; j <= last; ++j)
            mix += p[j] / total * v(b, j, scores.kv_head(h), d);
          o(b, t, h, d) = mix;
        }
      }
}

/// With p = exp(score − lse) and dp = d_o·v: d_score = p · (dp − d_o·o), d_v = Σ p · d_o.
template <class T>
void ReferenceBackend<T>::attention_backward(const AttentionBackward& op) {
  check(op);
  const Scores<T> scores(op.options, op.q, op.k);
  const Heads<T> d_q(op.d_q), d_k(op.d_k), d_v(op.d_v), d_o(op.d_o);
  const Heads<T> q(op.q), k(op.k), v(op.v), o(op.o);
  const View<T, 3> lse(op.lse);
  const int64_t B = op.q.shape[0], H = op.q.shape[2], D = op.q.shape[3], n = op.q.shape[1];
  for (const Tensor* t : {&op.d_q, &op.d_k, &op.d_v}) zero(*t);

  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t t = 0; t < n; ++t) {
        const int64_t g = scores.kv_head(h);
        T d_o_o(0);
        for (int64_t d = 0; d < D; ++d) d_o_o += d_o(b, t, h, d) * o(b, t, h, d);
        for (int64_t j = scores.first(b, t); j <= scores.last(t); ++j) {
          const T capped = scores.capped(b, t, h, j);
          const T p = std::exp(capped - scores.penalty(t, h, j) - lse(b, h, t));
          T dp(0);
          for (int64_t d = 0; d < D; ++d) dp += d_o(b, t, h, d) * v(b, j, g, d);
          const T d_dot = scores.d_dot(p * (dp - d_o_o), capped);
          for (int64_t d = 0; d < D; ++d) {
            d_q(b, t, h, d) += d_dot * k(b, j, g, d);
            d_k(b, j, g, d) += d_dot * q(b, t, h, d);
            d_v(b, j, g, d) += p * d_o(b, t, h, d);
          }
        }
      }
}

template void ReferenceBackend<double>::attention_forward(const AttentionForward&);
template void ReferenceBackend<Complex>::attention_forward(const AttentionForward&);
template void ReferenceBackend<double>::attention_backward(const AttentionBackward&);
template void ReferenceBackend<Complex>::attention_backward(const AttentionBackward&);

}  // namespace causeway::reference
