// delta = Σ d_o·o of every query: what both halves of attention's backward subtract from d_o·v.
#pragma once
#include "cuda/attention_args.cuh"

namespace causeway::cuda {

constexpr int kDeltaLanes = 8, kDeltaThreads = 256, kDeltaRows = kDeltaThreads / kDeltaLanes;

/// Eight bf16 at a time where rows are aligned to 16 bytes, one element else.
template <class T, int kPack>
struct alignas(sizeof(T) * kPack) RowPack {
  T x[kPack];
};

/// delta (B, H, T) written. Eight lanes take a row of D. Grid (⌈B·T·H / kDeltaRows⌉),
/// kDeltaThreads.
template <class T, int kPack>
__global__ void __launch_bounds__(kDeltaThreads)
    attention_delta_kernel(const AttentionBackwardArgs<T> a, int64_t rows) {
  const AttentionShape& shape = a.shape;
  const int64_t i = int64_t{blockIdx.x} * kDeltaRows + threadIdx.x / kDeltaLanes;
  const int64_t row = i < rows ? i : rows - 1;  // all lanes stay for the shuffles
  const int head = int(row % shape.heads), query = int(row / shape.heads % shape.tq);
  const int batch = int(row / shape.heads / shape.tq), lane = threadIdx.x % kDeltaLanes;
  const T* o = a.o.head(batch, head, shape.size) + query * a.o.t;
  const T* d_o = a.d_o.head(batch, head, shape.size) + query * a.d_o.t;
  float sum = 0;
  for (int d = lane * kPack; d < shape.size; d += kDeltaLanes * kPack) {
    const auto x = *reinterpret_cast<const RowPack<T, kPack>*>(o + d);
    const auto y = *reinterpret_cast<const RowPack<T, kPack>*>(d_o + d);
#pragma unroll
    for (int e = 0; e < kPack; ++e) sum += float(x.x[e]) * float(y.x[e]);
  }
#pragma unroll
  for (int o = kDeltaLanes / 2; o > 0; o >>= 1) sum += __shfl_xor_sync(kFullMask, sum, o);
  if (lane == 0 && i < rows)
    a.delta[(int64_t{batch} * shape.heads + head) * shape.tq + query] = sum;
}

}  // namespace causeway::cuda
