// Sums of the step in f64, each in an order that the shape alone decides, and the guard that reads
// them. Read next: reduce.cu.
#pragma once
#include "cuda/pack.cuh"

namespace causeway::cuda {

constexpr int kSumThreads = 512;

/// Over the block, in thread 0: lanes by a tree, then warps in order.
__device__ __forceinline__ double block_sum(double x) {
  KSHARED(double, parts, [kSumThreads / 32]);
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) x += __shfl_xor_sync(kFullMask, x, o);
  __syncthreads();  // parts may still be read from the sum before
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  for (int w = 1; w < kSumThreads / 32; ++w) x += threadIdx.x == 0 ? parts[w] : 0.0;
  return x;
}

/// Thread i sums x[i], x[i + kSumThreads], …
template <class T>
__device__ __forceinline__ double strided_sum(const T* x, int64_t n) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < n; i += kSumThreads) sum += double(x[i]);
  return sum;
}

/// out[0] = Σ x. One block.
__global__ void __launch_bounds__(kSumThreads) sum_kernel(double* out, const float* x, int64_t n) {
  const double sum = block_sum(strided_sum(x, n));
  if (threadIdx.x == 0) out[0] = sum;
}

/// partials[c] = Σ x² of chunk c of `chunk` elements, kWidth of which are read at a time. A block
/// per chunk.
template <int kWidth>
__global__ void __launch_bounds__(kSumThreads)
    sum_of_squares_kernel(double* partials, const float* x, int64_t n, int64_t chunk) {
  const int64_t begin = blockIdx.x * chunk, end = begin + chunk < n ? begin + chunk : n;
  double sum = 0;
#pragma unroll 4
  for (int64_t i = begin + int64_t{threadIdx.x} * kWidth; i < end; i += kSumThreads * kWidth) {
    float v[kWidth] = {};
    if (i + kWidth <= end)
      load(v, x + i);
    else
      for (int e = 0; i + e < end; ++e) v[e] = x[i + e];
#pragma unroll
    for (int e = 0; e < kWidth; ++e) sum += double(v[e]) * double(v[e]);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

struct GuardArgs {
  double *loss, *norm, *clip_scale, *finite;  ///< written
  const double *partials, *losses;
  int64_t n_partials, n_losses;
  double max_norm;
};

/// One block.
__global__ void __launch_bounds__(kSumThreads) clip_and_guard_kernel(const GuardArgs a) {
  const double loss = block_sum(strided_sum(a.losses, a.n_losses));
  const double squares = block_sum(strided_sum(a.partials, a.n_partials));
  if (threadIdx.x > 0) return;
  const double norm = sqrt(squares);
  *a.loss = loss;
  *a.norm = norm;
  *a.clip_scale = a.max_norm > 0 && norm > a.max_norm ? a.max_norm / norm : 1;
  *a.finite = fabs(loss) < INFINITY && fabs(norm) < INFINITY ? 1 : 0;  // false for NaN
}

}  // namespace causeway::cuda
