// Sums of a matrix over its rows or columns in fixed order: bias gradients, and the second stage of
// every gradient that is summed over rows. Read next: columns.cu.
#pragma once
#include "cuda/pack.cuh"

namespace causeway::cuda {

constexpr int kColumnTile = 32;   ///< columns of a block, one per lane
constexpr int kColumnWarps = 16;  ///< rows of a block at a time
constexpr int kRowSumThreads = 256;
constexpr int kColumnThreads = kColumnTile * kColumnWarps;

/// The block's rows [begin, end) of column c: warp w takes rows begin + w, begin + w +
/// kColumnWarps, …; then the warps' sums are added in order. In warp 0 the result is valid.
template <class T>
__device__ __forceinline__ float column_sum(const T* x, int64_t stride, int64_t begin, int64_t end,
                                            int64_t column, bool inside) {
  KSHARED(float, sums, [kColumnWarps][kColumnTile]);
  const int warp = threadIdx.x / kColumnTile, lane = threadIdx.x % kColumnTile;
  float sum = 0;
#pragma unroll 8
  for (int64_t r = begin + warp; r < end; r += kColumnWarps)
    if (inside) sum += to_float(x[r * stride + column]);
  sums[warp][lane] = sum;
  __syncthreads();
  for (int w = 1; w < kColumnWarps; ++w) sum += warp == 0 ? sums[w][lane] : 0.0f;
  return sum;
}

/// parts (gridDim.y, C) = sums over slabs of `slab` rows of x (rows, C).
/// Grid (⌈C / kColumnTile⌉, slabs), kColumnThreads threads.
template <class T>
__global__ void __launch_bounds__(kColumnThreads)
    column_parts_kernel(float* parts, const T* x, int64_t stride, int64_t rows, int64_t slab,
                        int64_t columns) {
  const int64_t column = int64_t{blockIdx.x} * kColumnTile + threadIdx.x % kColumnTile;
  const int64_t begin = blockIdx.y * slab, end = begin + slab < rows ? begin + slab : rows;
  const float sum = column_sum(x, stride, begin, end, column, column < columns);
  if (threadIdx.x < kColumnTile && column < columns) parts[blockIdx.y * columns + column] = sum;
}

/// out (C) = Σ of parts (count, C), rows `stride` apart, plus `out` when `accumulate`. Static: two
/// families have it.
static __global__ void __launch_bounds__(kColumnThreads)
    add_parts_kernel(float* out, const float* parts, int64_t count, int64_t stride, int64_t columns,
                     bool accumulate) {
  const int64_t column = int64_t{blockIdx.x} * kColumnTile + threadIdx.x % kColumnTile;
  const float sum = column_sum(parts, stride, 0, count, column, column < columns);
  if (threadIdx.x < kColumnTile && column < columns)
    out[column] = accumulate ? out[column] + sum : sum;
}

/// out (R) = Σ over the columns of x (R, C). A warp per row.
template <class T>
__global__ void __launch_bounds__(kRowSumThreads)
    row_sums_kernel(float* out, const T* x, int64_t stride, int64_t rows, int64_t columns,
                    bool accumulate) {
  const int64_t row = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
  if (row >= rows) return;  // whole warps leave
  float sum = 0;
  for (int64_t c = threadIdx.x % 32; c < columns; c += 32) sum += to_float(x[row * stride + c]);
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) out[row] = accumulate ? out[row] + sum : sum;
}

}  // namespace causeway::cuda
