// The norms' gradients in one pass: x and d_y are read once; each thread sums d_weight and d_bias
// of its columns over its team's rows, in order. Derivation: docs/operations.md. Read next:
// norm.cu, columns.cuh (the sum over teams).
#pragma once
#include "cuda/norm_args.cuh"

namespace causeway::cuda {

/// With x̂ = (x − mean)·rstd and g = d_y·weight: d_x = rstd·(g − mean(g) − x̂·mean(g·x̂)), where RMS
/// norm lacks mean(g); d_weight = Σ d_y·x̂; d_bias = Σ d_y.
template <class T, int kWidth, int kPacks, TeamKind kKind>
__global__ void __launch_bounds__(kTeamThreads<kKind>)
    norm_backward_kernel(const NormBackwardArgs<T> a) {
  KSHARED(Pair, parts, [2][kMaxWarps]);
  const TeamRows rows = team_rows<kKind>();
  float weight[kPacks][kWidth] = {}, d_weight[kPacks][kWidth] = {}, d_bias[kPacks][kWidth] = {};
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int column = pack_column<kWidth, kKind>(p);
    if (column < a.width) load(weight[p], a.weight + column);
  }
  int turn = 0;
  for (int64_t first = rows.first; first < a.rows; first += rows.stride, turn ^= 1) {
    const int64_t own = first + rows.offset, r = own < a.rows ? own : a.rows - 1;
    const bool writes = own < a.rows;
    const float mean = a.mean ? a.mean[r] : 0.0f, rstd = a.rstd[r];
    float x_hat[kPacks][kWidth] = {}, g[kPacks][kWidth] = {};
    Pair sums = {0, 0};
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int column = pack_column<kWidth, kKind>(p);
      if (column >= a.width || !writes) continue;
      load(x_hat[p], a.x.row(r, a.heads) + column);
      load(g[p], a.d_y.row(r, a.heads) + column);
#pragma unroll
      for (int e = 0; e < kWidth; ++e) {
        x_hat[p][e] = (x_hat[p][e] - mean) * rstd;
        d_weight[p][e] += g[p][e] * x_hat[p][e];
        d_bias[p][e] += g[p][e];
        g[p][e] *= weight[p][e];
        sums.x += g[p][e];
        sums.y += g[p][e] * x_hat[p][e];
      }
    }
    sums = team_sum<kKind>(sums, parts[turn]);
    const float mean_g = a.mean ? sums.x / a.width : 0.0f, mean_gx = sums.y / a.width;
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int column = pack_column<kWidth, kKind>(p);
      if (column >= a.width || !writes) continue;
      float out[kWidth] = {};
      if (a.d_residual.data) load(out, a.d_residual.row(r, a.heads) + column);
#pragma unroll
      for (int e = 0; e < kWidth; ++e) out[e] += rstd * (g[p][e] - mean_g - x_hat[p][e] * mean_gx);
      store(a.d_x.row(r, a.heads) + column, out);
    }
  }
  float* part = a.parts + (rows.first + rows.offset) * 2 * a.width;
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int column = pack_column<kWidth, kKind>(p);
    for (int e = 0; e < kWidth && column < a.width; ++e) {
      part[column + e] = d_weight[p][e];
      part[a.width + column + e] = d_bias[p][e];
    }
  }
}

}  // namespace causeway::cuda
