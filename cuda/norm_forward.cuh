// Layer norm and RMS norm, with the residual branch added in the same pass. A team of threads holds
// a row in registers: x and branch are read once, sum and y written once. Read next: norm.cu.
#pragma once
#include "cuda/norm_args.cuh"

namespace causeway::cuda {

/// x + branch, rounded to T as `sum` is: the norm reads what the backward will read.
template <class T, int kWidth>
__device__ __forceinline__ void add_branch(float (&x)[kWidth], T* sum, const T* branch) {
  float b[kWidth];
  load(b, branch);
#pragma unroll
  for (int e = 0; e < kWidth; ++e) x[e] = to_float(rounded<T>(x[e] + b[e]));
  store(sum, x);
}

/// y = (x − mean) · rstd · weight + bias for one pack.
template <class T, int kWidth>
__device__ __forceinline__ void write_normed(const NormForwardArgs<T>& a, T* y, int column,
                                             const float (&x)[kWidth], float mean, float rstd) {
  float weight[kWidth], bias[kWidth] = {}, out[kWidth];
  load(weight, a.weight + column);
  if (a.bias) load(bias, a.bias + column);
#pragma unroll
  for (int e = 0; e < kWidth; ++e) out[e] = (x[e] - mean) * rstd * weight[e] + bias[e];
  store(y, out);
}

/// A team per row.
template <class T, int kWidth, int kPacks, TeamKind kKind>
__global__ void __launch_bounds__(kTeamThreads<kKind>)
    norm_forward_kernel(const NormForwardArgs<T> a) {
  KSHARED(Pair, parts, [2][kMaxWarps]);
  const TeamRows rows = team_rows<kKind>();
  const float count = float(a.width);
  const int64_t r = rows.first + rows.offset;
  const bool writes = r < a.rows;
  float x[kPacks][kWidth] = {}, total = 0;
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int column = pack_column<kWidth, kKind>(p);
    if (column >= a.width || !writes) continue;
    load(x[p], a.x.row(r, a.heads) + column);
    if (a.branch.data)
      add_branch(x[p], a.sum.row(r, a.heads) + column, a.branch.row(r, a.heads) + column);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) total += x[p][e];
  }
  float mean = 0, squares = 0;
  if (a.mean) mean = team_sum<kKind>({total, 0}, parts[0]).x / count;
    // Two passes over a row in registers: Σ(x − mean)² does not cancel as mean(x²) − mean² would.
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    if (pack_column<kWidth, kKind>(p) >= a.width) continue;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) squares += (x[p][e] - mean) * (x[p][e] - mean);
  }
  const float variance = team_sum<kKind>({squares, 0}, parts[1]).x / count;
  const float rstd = 1.0f / sqrtf(variance + a.eps);
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int column = pack_column<kWidth, kKind>(p);
    if (column < a.width && writes)
      write_normed(a, a.y.row(r, a.heads) + column, column, x[p], mean, rstd);
  }
  if (writes && threadIdx.x % team_size<kKind>() == 0) {
    a.rstd[r] = rstd;
    if (a.mean) a.mean[r] = mean;
  }
}

}  // namespace causeway::cuda
