// What the norm kernels take. Read next: norm_forward.cuh, norm_backward.cuh.
#pragma once
#include "cuda/pack.cuh"
#include "cuda/team.cuh"

namespace causeway::cuda {

/// Rows of (N, C) or (N, H, C): row r is head r % H of n = r / H.
template <class T>
struct NormRows {
  T* data;
  int64_t outer, inner;  ///< strides of n and of the head, in elements

  __device__ T* row(int64_t r, int heads) const {
    return heads == 1 ? data + r * outer : data + r / heads * outer + r % heads * inner;
  }
};

enum class Centering : uint8_t { Mean, None };  ///< layer norm, RMS norm

template <class T>
struct NormForwardArgs {
  int64_t rows;
  int heads, width;
  float eps;
  NormRows<T> y, sum;           ///< sum.data null: no branch
  NormRows<const T> x, branch;  ///< (N, H, C)
  float *mean, *rstd;           ///< (N, H); mean null for RMS norm
  const T *weight, *bias;       ///< (C); bias may be null
};

template <class T>
struct NormBackwardArgs {
  int64_t rows;
  int heads, width;
  NormRows<T> d_x;
  NormRows<const T> d_y, x, d_residual;  ///< d_residual.data may be null
  const float *mean, *rstd;              ///< mean null for RMS norm
  const T* weight;
  float* parts;  ///< (teams of the grid, 2, C): Σ d_y·x̂ and Σ d_y over the rows of each team
};

/// Column of a thread's pack p.
template <int kWidth, TeamKind kKind>
__device__ __forceinline__ int pack_column(int p) {
  const int size = team_size<kKind>();
  return (int(threadIdx.x) % size + p * size) * kWidth;
}

}  // namespace causeway::cuda
