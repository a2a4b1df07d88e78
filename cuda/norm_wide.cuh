// Norms whose rows are too wide for the registers of a block: the row is read again for every sum.
// A thread always comes back to the columns it had before, so nothing needs a barrier but the sums.
// Read next: norm.cu, norm_forward.cuh (add_branch, write_normed).
#pragma once
#include "cuda/norm_forward.cuh"

namespace causeway::cuda {

constexpr int kWideThreads = 1024;

/// Calls at(column) for each of this thread's packs of a row of `width`.
template <int kWidth, class At>
__device__ __forceinline__ void for_columns(int width, const At& at) {
  for (int c = int(threadIdx.x) * kWidth; c < width; c += kWideThreads * kWidth) at(c);
}

/// A block per row.
template <class T, int kWidth>
__global__ void __launch_bounds__(kWideThreads, 1)
    norm_forward_wide_kernel(const NormForwardArgs<T> a) {
  KSHARED(Pair, parts, [2][kMaxWarps]);
  const float count = float(a.width);
  const int64_t r = blockIdx.x;
  const T* const x_row = a.x.row(r, a.heads);
  T* const sum_row = a.branch.data ? a.sum.row(r, a.heads) : nullptr;
  const T* const row = sum_row ? sum_row : x_row;  // what is normed
  float total = 0, mean = 0, squares = 0;
  if (a.mean || sum_row)
    for_columns<kWidth>(a.width, [&](int c) {
      float x[kWidth];
      load(x, x_row + c);
      if (sum_row) add_branch(x, sum_row + c, a.branch.row(r, a.heads) + c);
      for (int e = 0; e < kWidth; ++e) total += x[e];
    });
  if (a.mean) mean = team_sum<TeamKind::Block>({total, 0}, parts[0]).x / count;
  for_columns<kWidth>(a.width, [&](int c) {
    float x[kWidth];
    load(x, row + c);
    for (int e = 0; e < kWidth; ++e) squares += (x[e] - mean) * (x[e] - mean);
  });
  const float variance = team_sum<TeamKind::Block>({squares, 0}, parts[1]).x / count;
  const float rstd = 1.0f / sqrtf(variance + a.eps);
  for_columns<kWidth>(a.width, [&](int c) {
    float x[kWidth];
    load(x, row + c);
    write_normed(a, a.y.row(r, a.heads) + c, c, x, mean, rstd);
  });
  if (threadIdx.x == 0) {
    a.rstd[r] = rstd;
    if (a.mean) a.mean[r] = mean;
  }
}

/// As norm_backward_kernel; a block sums d_weight and d_bias of its rows in its part of a.parts.
template <class T, int kWidth>
__global__ void __launch_bounds__(kWideThreads, 1)
    norm_backward_wide_kernel(const NormBackwardArgs<T> a) {
  KSHARED(Pair, parts, [2][kMaxWarps]);
  float* const d_weight = a.parts + int64_t{blockIdx.x} * 2 * a.width;
  float* const d_bias = d_weight + a.width;
  int turn = 0;
  for (int64_t r = blockIdx.x; r < a.rows; r += gridDim.x, turn ^= 1) {
    const bool first = r == blockIdx.x;
    const float mean = a.mean ? a.mean[r] : 0.0f, rstd = a.rstd[r];
    const T *const x_row = a.x.row(r, a.heads), *const d_y_row = a.d_y.row(r, a.heads);
    Pair sums = {0, 0};
    for_columns<kWidth>(a.width, [&](int c) {
      float x[kWidth], g[kWidth], weight[kWidth];
      load(x, x_row + c), load(g, d_y_row + c), load(weight, a.weight + c);
      for (int e = 0; e < kWidth; ++e) {
        const float x_hat = (x[e] - mean) * rstd;
        d_weight[c + e] = (first ? 0.0f : d_weight[c + e]) + g[e] * x_hat;
        d_bias[c + e] = (first ? 0.0f : d_bias[c + e]) + g[e];
        sums.x += g[e] * weight[e];
        sums.y += g[e] * weight[e] * x_hat;
      }
    });
    sums = team_sum<TeamKind::Block>(sums, parts[turn]);
    const float mean_g = a.mean ? sums.x / a.width : 0.0f, mean_gx = sums.y / a.width;
    for_columns<kWidth>(a.width, [&](int c) {
      float x[kWidth], g[kWidth], weight[kWidth], out[kWidth] = {};
      load(x, x_row + c), load(g, d_y_row + c), load(weight, a.weight + c);
      if (a.d_residual.data) load(out, a.d_residual.row(r, a.heads) + c);
      for (int e = 0; e < kWidth; ++e)
        out[e] += rstd * (g[e] * weight[e] - mean_g - (x[e] - mean) * rstd * mean_gx);
      store(a.d_x.row(r, a.heads) + c, out);
    });
  }
}

}  // namespace causeway::cuda
