// Packs: 16 bytes at a time between memory and registers, computed in f32. Read next: map.cuh.
#pragma once
#include "cuda/kernel_env.cuh"

namespace causeway::cuda {

/// What one thread moves per access; `kWidth` 1 is for rows that 16 bytes do not fit.
template <class T, int kWidth>
struct alignas(sizeof(T) * kWidth < 16 ? sizeof(T) * kWidth : 16) Pack {
  T x[kWidth];
};
template <class T>
constexpr int kFullPack = 16 / sizeof(T);

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(double x) { return static_cast<float>(x); }

template <class T>
__device__ __forceinline__ T rounded(float x) {
  return static_cast<T>(x);
}
template <>
__device__ __forceinline__ __nv_bfloat16 rounded<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

template <int kWidth, class T>
__device__ __forceinline__ void load(float (&out)[kWidth], const T* at) {
  const auto pack = *reinterpret_cast<const Pack<T, kWidth>*>(at);
#pragma unroll
  for (int i = 0; i < kWidth; ++i) out[i] = to_float(pack.x[i]);
}

template <int kWidth, class T>
__device__ __forceinline__ void store(T* at, const float (&values)[kWidth]) {
  Pack<T, kWidth> pack;
#pragma unroll
  for (int i = 0; i < kWidth; ++i) pack.x[i] = rounded<T>(values[i]);
  *reinterpret_cast<Pack<T, kWidth>*>(at) = pack;
}

}  // namespace causeway::cuda
