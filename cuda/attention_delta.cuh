// What both halves of attention's backward want of every query beside its rows: delta = Σ d_o·o, to
// subtract from d_o·v, and the level lse · log2 e.
#pragma once
#include "cuda/attention_args.cuh"

namespace causeway::cuda {

constexpr int kDeltaLanes = 8, kDeltaThreads = 256, kDeltaRows = kDeltaThreads / kDeltaLanes;

/// Eight bf16 at a time where rows are aligned to 16 bytes, one element else.
template <class T, int kPack>
struct alignas(sizeof(T) * kPack) RowPack {
  T x[kPack];
};

/// level and delta written, padding too. Eight lanes take a row of D. `rows` is B·padded·H. Grid
/// (⌈rows / kDeltaRows⌉), kDeltaThreads threads.
template <class T, int kPack>
__global__ void __launch_bounds__(kDeltaThreads)
    attention_delta_kernel(const AttentionBackwardArgs<T> a, int64_t rows) {
  const AttentionShape& shape = a.shape;
  const int64_t i = int64_t{blockIdx.x} * kDeltaRows + threadIdx.x / kDeltaLanes;
  const int64_t row = i < rows ? i : rows - 1;  // all lanes stay for the shuffles
  const int head = int(row % shape.heads), query = int(row / shape.heads % a.padded);
  const int batch = int(row / shape.heads / a.padded), lane = threadIdx.x % kDeltaLanes;
  const bool valid = query < shape.tq;
  const T* o = a.o.head(batch, head, shape.size) + (valid ? query : 0) * a.o.t;
  const T* d_o = a.d_o.head(batch, head, shape.size) + (valid ? query : 0) * a.d_o.t;
  float sum = 0;
  for (int d = lane * kPack; d < shape.size; d += kDeltaLanes * kPack) {
    const auto x = *reinterpret_cast<const RowPack<T, kPack>*>(o + d);
    const auto y = *reinterpret_cast<const RowPack<T, kPack>*>(d_o + d);
#pragma unroll
    for (int e = 0; e < kPack; ++e) sum += float(x.x[e]) * float(y.x[e]);
  }
#pragma unroll
  for (int lanes = kDeltaLanes / 2; lanes > 0; lanes >>= 1)
    sum += __shfl_xor_sync(kFullMask, sum, lanes);
  if (lane != 0 || i >= rows) return;
  const float* lse = a.lse + (int64_t{batch} * shape.heads + head) * shape.tq;
  const int64_t at = a.stats(batch, head) + query;
  a.level[at] = valid ? lse[query] * kLog2E : INFINITY;
  a.delta[at] = valid ? sum : 0.0f;
}

}  // namespace causeway::cuda
