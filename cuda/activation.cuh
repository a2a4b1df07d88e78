// GELU, SwiGLU and squared ReLU with their gradients. Derivations: docs/operations.md.
// Read next: map.cuh, activation.cu.
#pragma once
#include "cuda/map.cuh"

namespace causeway::cuda {

/// 1 / (1 + exp(−z)) and its complement, both exact to rounding for every z.
struct Sigmoid {
  float on, off;
};
__device__ __forceinline__ Sigmoid sigmoid(float z) {
  const float t = expf(-fabsf(z)), large = 1.0f / (1.0f + t), small = t * large;
  return z >= 0 ? Sigmoid{large, small} : Sigmoid{small, large};
}

/// gelu(x) = x · sigmoid(z), z = 2√(2/π) (x + 0.044715 x³): the tanh form.
struct Gelu {
  static constexpr float kSlope = 1.5957691216057308f, kCubic = 0.044715f;
  /// Where |x| is beyond, sigmoid(z) is 0 or 1 in f32; clamping keeps x³ finite.
  static constexpr float kFlat = 16.0f;

  static __device__ float value(float x) { return x * sigmoid(argument(x)).on; }
  static __device__ float slope(float x) {
    const float inner = clamped(x);
    const Sigmoid s = sigmoid(argument(x));
    return s.on + inner * s.on * s.off * kSlope * (1.0f + 3.0f * kCubic * inner * inner);
  }

 private:
  static __device__ float clamped(float x) {
    return x > kFlat ? kFlat : x < -kFlat ? -kFlat : x;  // NaN stays NaN
  }
  static __device__ float argument(float x) {
    const float inner = clamped(x);
    return kSlope * inner * (1.0f + kCubic * inner * inner);
  }
};

struct Relu2 {
  static __device__ float positive(float x) { return x < 0 ? 0.0f : x; }  // NaN stays NaN
  static __device__ float value(float x) { return positive(x) * positive(x); }
  static __device__ float slope(float x) { return 2.0f * positive(x); }
};

template <class Kind, class T>
struct ActivationMap {
  T* y;
  const T* x;

  template <int kWidth>
  __device__ void at(int64_t i) const {
    float v[kWidth];
    load(v, x + i);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) v[e] = Kind::value(v[e]);
    store(y + i, v);
  }
};

template <class Kind, class T>
struct ActivationMapBackward {
  T* d_x;
  const T *d_y, *x;

  template <int kWidth>
  __device__ void at(int64_t i) const {
    float v[kWidth], g[kWidth];
    load(v, x + i);
    load(g, d_y + i);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) g[e] *= Kind::slope(v[e]);
    store(d_x + i, g);
  }
};

/// y (N, F) = silu(gate) · up with x (N, 2F) = (gate, up). A pack lies within a row: F is a
/// multiple of its width.
template <class T>
struct SwiGluMap {
  T* y;
  const T* x;
  int64_t width;

  template <int kWidth>
  __device__ void at(int64_t i) const {
    const T* row = x + i / width * 2 * width + i % width;
    float gate[kWidth], up[kWidth];
    load(gate, row);
    load(up, row + width);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) up[e] *= gate[e] * sigmoid(gate[e]).on;
    store(y + i, up);
  }
};

template <class T>
struct SwiGluMapBackward {
  T* d_x;
  const T *d_y, *x;
  int64_t width;

  template <int kWidth>
  __device__ void at(int64_t i) const {
    const int64_t at = i / width * 2 * width + i % width;
    float gate[kWidth], up[kWidth], g[kWidth];
    load(gate, x + at);
    load(up, x + at + width);
    load(g, d_y + i);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      const Sigmoid s = sigmoid(gate[e]);
      const float d_gate = g[e] * up[e] * s.on * (1.0f + gate[e] * s.off);
      up[e] = g[e] * gate[e] * s.on;
      gate[e] = d_gate;
    }
    store(d_x + at, gate);
    store(d_x + at + width, up);
  }
};

}  // namespace causeway::cuda
