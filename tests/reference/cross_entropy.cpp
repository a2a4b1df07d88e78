// Cross-entropy over the vocabulary. See core/backend.h, struct CrossEntropy.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ops_check.h"
#include "tests/reference/math.h"
#include "tests/reference/reference_backend.h"

namespace causeway::reference {

/// d loss / d logit = (softmax − one-hot) · cap'(logit).
template <class T>
void ReferenceBackend<T>::cross_entropy(const CrossEntropy& op) {
  check(op);
  const Vec<T> loss(op.loss);
  const Mat<T> logits(op.logits);
  const View<int32_t, 1> targets(op.targets);
  const int64_t N = op.logits.shape[0], padded = op.logits.shape[1], V = op.vocab_size;
  std::vector<T> z(V);  // one row of capped logits

  for (int64_t n = 0; n < N; ++n) {
    const bool ignored = targets(n) == -1;
    // A constant that cancels out (see attention.cpp).
    double shift = -std::numeric_limits<double>::infinity();
    for (int64_t v = 0; v < V; ++v) {
      z[v] = soft_cap(logits(n, v), op.softcap);
      shift = std::max(shift, std::real(z[v]));
    }
    T total(0);
    for (const T& e : z) total += std::exp(e - shift);
    const T lse = shift + std::log(total);
    loss(n) = ignored ? T(0) : lse - z[targets(n)];
    if (op.mode == LossMode::LossOnly) continue;
    for (int64_t v = 0; v < padded; ++v) {
      if (ignored || v >= V) {
        logits(n, v) = T(0);
        continue;
      }
      const T d_z = std::exp(z[v] - lse) - (v == targets(n) ? 1.0 : 0.0);
      logits(n, v) = op.scale * d_z * soft_cap_slope(z[v], op.softcap);
    }
  }
}

template void ReferenceBackend<double>::cross_entropy(const CrossEntropy&);
template void ReferenceBackend<Complex>::cross_entropy(const CrossEntropy&);

}  // namespace causeway::reference
