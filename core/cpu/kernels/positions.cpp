// Rotary embedding, token and position embedding. Read next: ../embedding.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

template <class T>
void rope(const RopeArgs& a, int64_t begin, int64_t end) {
  const int64_t half = a.width / 2;
  for (int64_t token = begin; token < end; ++token) {
    const int64_t b = token / a.times, t = token % a.times;
    const float* cosine = a.table + (a.position ? a.position[token] : t) * a.width;
    const float* sine = cosine + half;
    T* x = static_cast<T*>(a.x) + b * a.batch_stride + t * a.time_stride;
    for (int64_t h = 0; h < a.heads; ++h, x += a.width) {
      sweep(half, [&](int64_t i, auto part) {
        const F u = load(x + i, part), w = load(x + half + i, part);
        const F c = load(cosine + i, part), s = load(sine + i, part) * a.sine_sign;
        store(x + i, u * c - w * s, part);
        store(x + half + i, w * c + u * s, part);
      });
    }
  }
}

template <class T>
void embed(void* y, const int32_t* tokens, const void* wte, const void* wpe,
           const int32_t* position, int64_t times, int64_t width, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    T* out = static_cast<T*>(y) + n * width;
    const T* token = static_cast<const T*>(wte) + tokens[n] * width;
    const int64_t p = position ? position[n] : n % times;
    const T* place = wpe ? static_cast<const T*>(wpe) + p * width : nullptr;
    sweep(width, [&](int64_t i, auto part) {
      F sum = load(token + i, part);
      if (place) sum += load(place + i, part);
      store(out + i, sum, part);
    });
  }
}

template <class T>
void scatter_add(float* table, const int32_t* index, const void* d_y, int64_t rows, int64_t times,
                 int64_t width, int64_t begin, int64_t end) {
  for (int64_t n = 0; n < rows; ++n) {
    float* out = table + (index ? index[n] : n % times) * width + begin;
    const T* in = static_cast<const T*>(d_y) + n * width + begin;
    sweep(end - begin, [&](int64_t i, auto part) {
      store(out + i, load(out + i, part) + load(in + i, part), part);
    });
  }
}

}  // namespace

void fill_positions(Kernels& k) {
  k.rope[0] = rope<float>, k.rope[1] = rope<b16>;
  k.embed[0] = embed<float>, k.embed[1] = embed<b16>;
  k.scatter_add[0] = scatter_add<float>, k.scatter_add[1] = scatter_add<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
