// Rotary embedding, in place: a thread turns a pack of x[d …] with its partners x[d + D/2 …].
// Read next: rope.cu.
#pragma once
#include "cuda/pack.cuh"

namespace causeway::cuda {

constexpr int kRopeThreads = 256;

template <class T>
struct RopeArgs {
  T* x;  ///< (B, T, H, D), heads and D dense
  int64_t batch_stride, time_stride;
  int64_t packs;           ///< B·T·H·D / (2 · kWidth)
  int times, heads, half;  ///< T, H, D / 2
  const float* table;      ///< (positions, D): cos, then sin
  const int* position;     ///< (B, T) or null
  int positions;
  float sine_sign;  ///< −1 turns back
};

/// A stray position gives NaN, which the step's guard catches.
template <class T, int kWidth>
__global__ void __launch_bounds__(kRopeThreads) rope_kernel(const RopeArgs<T> a) {
  const int64_t i = int64_t{blockIdx.x} * kRopeThreads + threadIdx.x;
  if (i >= a.packs) return;
  const int per_head = a.half / kWidth, d = int(i % per_head) * kWidth;
  const int64_t row = i / per_head / a.heads;  // of B·T
  const int head = int(i / per_head % a.heads), t = int(row % a.times);
  T* const x =
      a.x + row / a.times * a.batch_stride + t * a.time_stride + int64_t{head} * 2 * a.half + d;
  const int place = a.position ? a.position[row] : t;
  float cosine[kWidth], sine[kWidth], left[kWidth], right[kWidth];
#pragma unroll
  for (int e = 0; e < kWidth; ++e) cosine[e] = sine[e] = NAN;
  if (place >= 0 && place < a.positions) {
    load(cosine, a.table + int64_t{place} * 2 * a.half + d);
    load(sine, a.table + int64_t{place} * 2 * a.half + a.half + d);
  }
  load(left, x);
  load(right, x + a.half);
#pragma unroll
  for (int e = 0; e < kWidth; ++e) {
    const float l = left[e], r = right[e], s = sine[e] * a.sine_sign;
    left[e] = l * cosine[e] - r * s;
    right[e] = r * cosine[e] + l * s;
  }
  store(x, left);
  store(x + a.half, right);
}

}  // namespace causeway::cuda
