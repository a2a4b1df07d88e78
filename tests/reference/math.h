// Scalar functions the operations share, over double or complex. Read next: activation.cpp.
#pragma once
#include <cmath>
#include <complex>

namespace causeway::reference {

inline const double kGeluScale = std::sqrt(2 / std::acos(-1.0));
inline constexpr double kGeluCubic = 0.044715;

/// Hendrycks & Gimpel 2016, arXiv:1606.08415, tanh form.
template <class T>
T gelu(const T& x) {
  return 0.5 * x * (1.0 + std::tanh(kGeluScale * (x + kGeluCubic * x * x * x)));
}

/// d gelu / d x.
template <class T>
T gelu_slope(const T& x) {
  const T t = std::tanh(kGeluScale * (x + kGeluCubic * x * x * x));
  const T inner = kGeluScale * (1.0 + 3 * kGeluCubic * x * x);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
}

template <class T>
T sigmoid(const T& x) {
  return 1.0 / (1.0 + std::exp(-x));
}

/// cap · tanh(x / cap), or x where cap is 0.
template <class T>
T soft_cap(const T& x, double cap) {
  return cap > 0 ? cap * std::tanh(x / cap) : x;
}

/// d soft_cap / d x, from the capped value y: 1 − tanh² = 1 − (y / cap)².
template <class T>
T soft_cap_slope(const T& y, double cap) {
  return cap > 0 ? 1.0 - (y / cap) * (y / cap) : T(1);
}

}  // namespace causeway::reference
