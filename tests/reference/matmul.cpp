// Matrix product with its epilogues. See core/backend.h, struct Matmul.
#include "core/ops_check.h"
#include "tests/reference/math.h"
#include "tests/reference/reference_backend.h"

namespace causeway::reference {

template <class T>
void ReferenceBackend<T>::matmul(const Matmul& op) {
  check(op);
  const Mat<T> y(op.y), pre(op.pre);
  const Mat<T> a = op.a_transpose == Transpose::Yes ? Mat<T>(op.a).transposed() : Mat<T>(op.a);
  const Mat<T> b = op.b_transpose == Transpose::Yes ? Mat<T>(op.b).transposed() : Mat<T>(op.b);
  const Vec<T> bias(op.bias), d_bias(op.d_bias);
  const int64_t M = op.y.shape[0], N = op.y.shape[1];
  const int64_t K = op.a.shape[op.a_transpose == Transpose::Yes ? 0 : 1];

  for (int64_t m = 0; m < M; ++m)
    for (int64_t n = 0; n < N; ++n) {
      T product = bias ? bias(n) : T(0);
      for (int64_t k = 0; k < K; ++k) product += a(m, k) * b(k, n);
      switch (op.epilogue) {
        case Epilogue::None:
          y(m, n) = base(op.mode, y(m, n)) + product;
          break;
        case Epilogue::Gelu:
          pre(m, n) = product;
          y(m, n) = gelu(product);
          break;
        case Epilogue::GeluBackward:
          y(m, n) = product * gelu_slope(pre(m, n));
          break;
      }
    }

  if (!d_bias) return;
  for (int64_t m = 0; m < M; ++m) {
    T row_sum(0);
    for (int64_t k = 0; k < K; ++k) row_sum += a(m, k);
    d_bias(m) = base(op.mode, d_bias(m)) + row_sum;
  }
}

template void ReferenceBackend<double>::matmul(const Matmul&);
template void ReferenceBackend<Complex>::matmul(const Matmul&);

}  // namespace causeway::reference
