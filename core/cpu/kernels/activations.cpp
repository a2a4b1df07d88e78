// GELU, SwiGLU, squared ReLU and dropout, element by element. Read next: ../elementwise.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"
#include "core/cpu/simd_philox.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

template <class T, class Function>
void map(void* y, const void* x, int64_t n, Function function) {
  const T* in = static_cast<const T*>(x);
  T* out = static_cast<T*>(y);
  sweep(n, [&](int64_t i, auto part) { store(out + i, function(load(in + i, part)), part); });
}

template <class T, class Slope>
void map_backward(void* d_x, const void* d_y, const void* x, int64_t n, Slope slope) {
  const T* in = static_cast<const T*>(x);
  const T* gradient = static_cast<const T*>(d_y);
  T* out = static_cast<T*>(d_x);
  sweep(n, [&](int64_t i, auto part) {
    store(out + i, load(gradient + i, part) * slope(load(in + i, part)), part);
  });
}

/// max(x, 0), where a NaN stays NaN.
SIMD_INLINE F positive(F x) { return max(F{}, x); }

template <class T>
void gelu_map(void* y, const void* x, int64_t n) {
  map<T>(y, x, n, [](F v) { return gelu(v); });
}
template <class T>
void gelu_map_backward(void* d_x, const void* d_y, const void* x, int64_t n) {
  map_backward<T>(d_x, d_y, x, n, [](F v) { return gelu_slope(v); });
}

template <class T>
void relu2(void* y, const void* x, int64_t n) {
  map<T>(y, x, n, [](F v) { return positive(v) * positive(v); });
}
template <class T>
void relu2_backward(void* d_x, const void* d_y, const void* x, int64_t n) {
  map_backward<T>(d_x, d_y, x, n, [](F v) { return positive(v) + positive(v); });
}

/// y = silu(gate) · up, with x = (gate, up). Shazeer 2020, arXiv:2002.05202.
template <class T>
void swiglu(void* y, const void* x, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row) {
    const T* gate = static_cast<const T*>(x) + row * 2 * width;
    const T* up = gate + width;
    T* out = static_cast<T*>(y) + row * width;
    sweep(width, [&](int64_t i, auto part) {
      const F g = load(gate + i, part);
      store(out + i, g * sigmoid(g).on * load(up + i, part), part);
    });
  }
}
template <class T>
void swiglu_backward(void* d_x, const void* d_y, const void* x, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row) {
    const T* gate = static_cast<const T*>(x) + row * 2 * width;
    const T* gradient = static_cast<const T*>(d_y) + row * width;
    T* out = static_cast<T*>(d_x) + row * 2 * width;
    sweep(width, [&](int64_t i, auto part) {
      const F g = load(gate + i, part), dy = load(gradient + i, part);
      const Sigmoid s = sigmoid(g);
      const F slope = s.on * fma(g, s.off, splat(1.0f));
      store(out + i, dy * load(gate + width + i, part) * slope, part);
      store(out + width + i, dy * g * s.on, part);
    });
  }
}

template <class T>
void dropout(void* y, const void* x, const DropoutArgs& a, int64_t first, int64_t n) {
  const T* in = static_cast<const T*>(x) + first;
  T* out = static_cast<T*>(y) + first;
  sweep_random(a.random, first, n, [&](int64_t i, auto part, U bits) {
    const F kept = load(in + i, part) * a.keep_scale;
    store(out + i, bits >= splat_bits(a.threshold) ? kept : F{}, part);
  });
}

}  // namespace

void fill_activations(Kernels& k) {
  k.gelu[0] = gelu_map<float>, k.gelu[1] = gelu_map<b16>;
  k.gelu_backward[0] = gelu_map_backward<float>, k.gelu_backward[1] = gelu_map_backward<b16>;
  k.relu2[0] = relu2<float>, k.relu2[1] = relu2<b16>;
  k.relu2_backward[0] = relu2_backward<float>, k.relu2_backward[1] = relu2_backward<b16>;
  k.swiglu[0] = swiglu<float>, k.swiglu[1] = swiglu<b16>;
  k.swiglu_backward[0] = swiglu_backward<float>, k.swiglu_backward[1] = swiglu_backward<b16>;
  k.dropout[0] = dropout<float>, k.dropout[1] = dropout<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
