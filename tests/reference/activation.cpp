// GELU, SwiGLU, squared ReLU and dropout. See core/backend.h, enum Activation.
#include "core/ops_check.h"
#include "tests/reference/math.h"
#include "tests/reference/reference_backend.h"

namespace causeway::reference {
namespace {

/// max(x, 0)², decided by the real part. At 0 both sides have slope 0, so the derivative exists
/// everywhere and the choice there does not matter.
template <class T>
T relu2(const T& x) {
  return std::real(x) > 0 ? x * x : T(0);
}

template <class T>
T relu2_slope(const T& x) {
  return std::real(x) > 0 ? 2.0 * x : T(0);
}

}  // namespace

template <class T>
void ReferenceBackend<T>::activation_forward(Activation kind, const Tensor& y_, const Tensor& x_) {
  check_activation_forward(kind, y_, x_);
  const Mat<T> y(y_), x(x_);
  const int64_t N = y_.shape[0], F = y_.shape[1];
  for (int64_t n = 0; n < N; ++n)
    for (int64_t f = 0; f < F; ++f) switch (kind) {
        case Activation::Gelu:
          y(n, f) = gelu(x(n, f));
          break;
        case Activation::Relu2:
          y(n, f) = relu2(x(n, f));
          break;
        case Activation::SwiGlu: {
          const T gate = x(n, f), up = x(n, F + f);
          y(n, f) = gate * sigmoid(gate) * up;
          break;
        }
      }
}

template <class T>
void ReferenceBackend<T>::activation_backward(Activation kind, const Tensor& d_x_,
                                              const Tensor& d_y_, const Tensor& x_) {
  check_activation_backward(kind, d_x_, d_y_, x_);
  const Mat<T> d_x(d_x_), d_y(d_y_), x(x_);
  const int64_t N = d_y_.shape[0], F = d_y_.shape[1];
  for (int64_t n = 0; n < N; ++n)
    for (int64_t f = 0; f < F; ++f) switch (kind) {
        case Activation::Gelu:
          d_x(n, f) = d_y(n, f) * gelu_slope(x(n, f));
          break;
        case Activation::Relu2:
          d_x(n, f) = d_y(n, f) * relu2_slope(x(n, f));
          break;
        case Activation::SwiGlu: {
          const T gate = x(n, f), up = x(n, F + f), s = sigmoid(gate);
          d_x(n, f) = d_y(n, f) * up * s * (1.0 + gate * (1.0 - s));
          d_x(n, F + f) = d_y(n, f) * gate * s;
          break;
        }
      }
}

/// The mask is drawn from random bits, a constant factor for any input: linear, hence analytic.
template <class T>
void ReferenceBackend<T>::dropout(const Tensor& y, const Tensor& x, double p,
                                  const RandomStream& stream) {
  check_dropout(y, x, p);
  const auto in = flat<T>(x), out = flat<T>(y);
  for (int64_t e = 0; e < x.numel(); ++e)
    out(e) = random_bits(stream, e) >= p * 0x1p32 ? in(e) / (1 - p) : T(0);
}

template void ReferenceBackend<double>::activation_forward(Activation, const Tensor&,
                                                           const Tensor&);
template void ReferenceBackend<Complex>::activation_forward(Activation, const Tensor&,
                                                            const Tensor&);
template void ReferenceBackend<double>::activation_backward(Activation, const Tensor&,
                                                            const Tensor&, const Tensor&);
template void ReferenceBackend<Complex>::activation_backward(Activation, const Tensor&,
                                                             const Tensor&, const Tensor&);
template void ReferenceBackend<double>::dropout(const Tensor&, const Tensor&, double,
                                                const RandomStream&);
template void ReferenceBackend<Complex>::dropout(const Tensor&, const Tensor&, double,
                                                 const RandomStream&);

}  // namespace causeway::reference
