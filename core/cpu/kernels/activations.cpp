// GELU, SwiGLU, squared ReLU and dropout, element by element. Read next: ../elementwise.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"

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

/// Philox on 64-bit lanes whose lower halves hold the words, one block of four words per lane: the
/// 32 × 32 → 64 bit product is then one instruction. The same numbers as core/philox.h.
struct PhiloxWords {
  U64 word[4];
};
SIMD_INLINE PhiloxWords philox(const DropoutArgs& a, U64 block) {
  const U64 low = U64{} + 0xffffffffu;
  U64 c0 = block, c1 = U64{} + a.c1, c2 = U64{} + a.c2, c3 = U64{} + a.c3;
  uint32_t k0 = a.k0, k1 = a.k1;
  for (int round = 0; round < 10; ++round) {
    const U64 p0 = multiply_low_halves(U64{} + 0xD2511F53u, c0);
    const U64 p1 = multiply_low_halves(U64{} + 0xCD9E8D57u, c2);
    c0 = (p1 >> 32) ^ (c1 & low) ^ k0;
    c2 = (p0 >> 32) ^ (c3 & low) ^ k1;
    c1 = p1, c3 = p0;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return {{c0 & low, c1 & low, c2 & low, c3 & low}};
}

template <class T>
void dropout(void* y, const void* x, const DropoutArgs& a, int64_t first, int64_t n) {
  constexpr int kBlocks = kLanes / 2;  // of four words each
  const T* in = static_cast<const T*>(x) + first;
  T* out = static_cast<T*>(y) + first;
  U64 lane;
  for (int i = 0; i < kBlocks; ++i) lane[i] = i;
  uint32_t bits[4 * kBlocks];
  for (int64_t i = 0; i < n; i += 4 * kBlocks) {
    const uint32_t block = static_cast<uint32_t>((first + i) / 4);
    const PhiloxWords words = philox(a, (lane + block) & (U64{} + 0xffffffffu));
    for (int b = 0; b < kBlocks; ++b)
      for (int w = 0; w < 4; ++w) bits[4 * b + w] = static_cast<uint32_t>(words.word[w][b]);
    sweep(n - i < 4 * kBlocks ? n - i : 4 * kBlocks, [&](int64_t j, auto part) {
      U u;
      __builtin_memcpy(&u, bits + j, sizeof u);
      store(out + i + j, u >= splat_bits(a.threshold) ? load(in + i + j, part) * a.keep_scale : F{},
            part);
    });
  }
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
