// Cross-entropy of a row of logits and, in place, its gradient. A block takes a row. Where the row
// fits into shared memory (bf16 up to 116,160 columns on sm_90, 83,392 on sm_80, 50,624 on sm_89;
// f32 half as many) it is read from memory once and written once; longer or unaligned rows are read
// twice, to the same bits. The maximum and Σ exp are found together (Milakov & Gimelshein 2018,
// arXiv:1805.02867). Read next: cross_entropy.cu.
#pragma once
#include "cuda/pack.cuh"

namespace causeway::cuda {

constexpr int kLossThreads = 512;  ///< at most

enum class RowPlace : uint8_t { Shared, Global };
enum class Softcap : uint8_t { No, Yes };

template <class T>
struct CrossEntropyArgs {
  float* loss;         ///< (N)
  T* logits;           ///< (N, Vp)
  const int* targets;  ///< (N)
  int columns, vocab;  ///< Vp, and how many of them are read
  float softcap, scale;
  bool gradient;
};

/// Σ exp(z) of some logits as sum · exp(top).
struct ExpSum {
  float top = -3.4028235e38f;  ///< finite, so that a row of −∞ gives no ∞ − ∞
  float sum = 0;
};
__device__ __forceinline__ float exp_below(float z, float top) {
  return ex2((z - top) * 1.4426950408889634f);
}
__device__ __forceinline__ ExpSum merged(ExpSum a, ExpSum b) {
  const float top = fmaxf(a.top, b.top);
  return {top, a.sum * exp_below(a.top, top) + b.sum * exp_below(b.top, top)};
}

template <Softcap kCap>
__device__ __forceinline__ float capped(float z, float softcap) {
  return kCap == Softcap::Yes ? softcap * tanhf(z / softcap) : z;
}

constexpr size_t kLossPartsBytes = kLossThreads / 32 * sizeof(ExpSum);  ///< behind the row

/// Over the block, in a fixed order, the same in all threads. `parts`: shared memory, one per warp.
__device__ __forceinline__ ExpSum block_merged(ExpSum own, ExpSum* parts) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1)
    own = merged(own,
                 {__shfl_xor_sync(kFullMask, own.top, o), __shfl_xor_sync(kFullMask, own.sum, o)});
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = own;
  __syncthreads();
  ExpSum all = parts[0];
  for (int w = 1; w < int(blockDim.x) / 32; ++w) all = merged(all, parts[w]);
  return all;
}

/// Capped logits of a pack; columns beyond the vocabulary are −∞.
template <Softcap kCap, int kWidth, class T>
__device__ __forceinline__ void load_logits(float (&z)[kWidth], const CrossEntropyArgs<T>& a,
                                            const T* row, int column) {
  load(z, row + column);
#pragma unroll
  for (int e = 0; e < kWidth; ++e) z[e] = capped<kCap>(z[e], a.softcap);
  if (column + kWidth <= a.vocab) return;
#pragma unroll
  for (int e = 0; e < kWidth; ++e)
    if (column + e >= a.vocab) z[e] = -INFINITY;
}

template <Softcap kCap, int kWidth, class T>
__device__ __forceinline__ ExpSum thread_exp_sum(const CrossEntropyArgs<T>& a, const T* row) {
  ExpSum own;
  for (int column = threadIdx.x * kWidth; column < a.vocab; column += blockDim.x * kWidth) {
    float z[kWidth], top = own.top;
    load_logits<kCap>(z, a, row, column);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) top = fmaxf(top, z[e]);
    own.sum *= exp_below(own.top, top);
    own.top = top;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) own.sum += exp_below(z[e], top);
  }
  return own;
}

// Steps of the gradient that not every pack needs: the target's, the softcap's, the padding's.
template <int kWidth>
__device__ __forceinline__ void d_target(float (&d)[kWidth], int target, float scale) {
#pragma unroll
  for (int e = 0; e < kWidth; ++e) d[e] -= e == target ? scale : 0.0f;
}
template <int kWidth>
__device__ __forceinline__ void d_capped(float (&d)[kWidth], const float (&z)[kWidth],
                                         float softcap) {
#pragma unroll
  for (int e = 0; e < kWidth; ++e) d[e] *= 1.0f - (z[e] / softcap) * (z[e] / softcap);
}
template <int kWidth>
__device__ __forceinline__ void d_padding(float (&d)[kWidth], int vocab) {
#pragma unroll
  for (int e = 0; e < kWidth; ++e)
    if (e >= vocab) d[e] = 0;
}

/// d loss / d logit = scale · (p − [target]) · (1 − t²), t = tanh(z / softcap); 0 in the padding.
template <Softcap kCap, int kWidth, class T>
__device__ __forceinline__ void write_gradient(const CrossEntropyArgs<T>& a, T* out, const T* row,
                                               int target, ExpSum all) {
  const float weight = a.scale / all.sum;
  for (int column = threadIdx.x * kWidth; column < a.columns; column += blockDim.x * kWidth) {
    float z[kWidth], d[kWidth] = {};
    if (column < a.vocab) {
      load_logits<kCap>(z, a, row, column);
#pragma unroll
      for (int e = 0; e < kWidth; ++e) d[e] = exp_below(z[e], all.top) * weight;
      if (target >= column && target < column + kWidth) d_target(d, target - column, a.scale);
      if constexpr (kCap == Softcap::Yes) d_capped(d, z, a.softcap);
      if (column + kWidth > a.vocab) d_padding(d, a.vocab - column);
    }
    store(out + column, d);
  }
}

/// Starts copying the row to shared memory; each thread brings the packs that it will read.
template <int kWidth, class T>
__device__ __forceinline__ void fetch_row(T* shared, const T* row, int vocab) {
  for (int column = threadIdx.x * kWidth; column < vocab; column += blockDim.x * kWidth)
    cp_async16(smem_u32(shared + column), row + column);
  cp_async_commit();
  cp_async_wait<0>();
}

/// Grid (N). Dynamic shared memory: the row where kPlace is Shared, then kLossPartsBytes.
template <class T, int kWidth, RowPlace kPlace, Softcap kCap>
__global__ void __launch_bounds__(kLossThreads, 2)
    cross_entropy_kernel(const CrossEntropyArgs<T> a) {
  KDYN_SHARED(memory);
  T* const out = a.logits + int64_t{blockIdx.x} * a.columns;
  const int target = a.targets[blockIdx.x];
  if (target == -1) {
    const float nothing[kWidth] = {};
    if (threadIdx.x == 0) a.loss[blockIdx.x] = 0;
    for (int c = threadIdx.x * kWidth; a.gradient && c < a.columns; c += blockDim.x * kWidth)
      store(out + c, nothing);
    return;
  }
  // A stray target gives NaN, which the step's guard catches; nothing beyond the row is read.
  const bool known = target >= 0 && target < a.vocab;
  const float at_target = known ? capped<kCap>(to_float(out[target]), a.softcap) : NAN;
  const T* row = out;
  auto* parts = reinterpret_cast<ExpSum*>(memory);
  if constexpr (kPlace == RowPlace::Shared) {
    T* const shared = reinterpret_cast<T*>(memory);
    fetch_row<kWidth>(shared, out, a.vocab);
    row = shared;
    parts = reinterpret_cast<ExpSum*>(shared + a.columns);
  }
  const ExpSum all = block_merged(thread_exp_sum<kCap, kWidth>(a, row), parts);
  // (top − z) + log Σ: the two large terms cancel first.
  if (threadIdx.x == 0) a.loss[blockIdx.x] = (all.top - at_target) + logf(all.sum);
  if (a.gradient) write_gradient<kCap, kWidth>(a, out, row, target, known ? all : ExpSum{NAN, NAN});
}

}  // namespace causeway::cuda
