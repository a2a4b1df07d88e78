// y = αx + βy, conversion and dropout, element by element. Read next: map.cuh, elementwise.cu.
#pragma once
#include "core/philox.h"
#include "cuda/map.cuh"

namespace causeway::cuda {

enum class Keep : uint8_t { Nothing, Y };

/// y = alpha · x, plus beta · y when Y is kept.
template <class T, Keep kKeep>
struct Axpby {
  T* y;
  const T* x;
  float alpha, beta;

  template <int kWidth>
  __device__ void at(int64_t i) const {
    float value[kWidth], old[kWidth];
    load(value, x + i);
    if constexpr (kKeep == Keep::Y) load(old, y + i);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) {
      value[e] *= alpha;
      if constexpr (kKeep == Keep::Y) value[e] += beta * old[e];
    }
    store(y + i, value);
  }
};

template <class Y, class X>
struct Cast {
  Y* y;
  const X* x;

  template <int kWidth>
  __device__ void at(int64_t i) const {
    float value[kWidth];
    load(value, x + i);
    store(y + i, value);
  }
};

/// Four elements share a Philox block, and a pack holds whole blocks.
template <class T>
struct Dropout {
  T* y;
  const T* x;
  RandomStream stream;
  uint32_t threshold;
  float keep_scale;

  template <int kWidth>
  __device__ void at(int64_t i) const {
    float value[kWidth];
    load(value, x + i);
    if constexpr (kWidth == 1) {
      keep(value[0], random_bits(stream, static_cast<uint64_t>(i)));
    } else {
#pragma unroll
      for (int e = 0; e < kWidth; e += 4) {
        const auto bits = philox(stream, static_cast<uint32_t>((i + e) / 4));
#pragma unroll
        for (int word = 0; word < 4; ++word) keep(value[e + word], bits[word]);
      }
    }
    store(y + i, value);
  }

 private:
  __device__ void keep(float& value, uint32_t bits) const {
    value = bits >= threshold ? value * keep_scale : 0.0f;
  }
};

}  // namespace causeway::cuda
