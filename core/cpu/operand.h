// The operands of a matrix product, addressed as the product reads them, and what is done to them
// apart from multiplying: widening bf16 blocks, summing rows for a bias gradient.
// Read next: products.cpp.
#pragma once
#include "core/backend.h"
#include "core/cpu/kernels.h"
#include "core/cpu/tiles.h"

namespace causeway::cpu {

/// A stored matrix and how to read it.
struct Operand {
  char* data;
  int64_t stride;  // elements between stored rows
  DType dtype;
  bool transposed;

  Operand(const Tensor& t, Transpose transpose)
      : data(static_cast<char*>(t.data)),
        stride(t.stride[0]),
        dtype(t.dtype),
        transposed(transpose == Transpose::Yes) {}
  /// Address of element (row, col) of the matrix as read.
  char* at(int64_t row, int64_t col) const {
    const int64_t offset = transposed ? col * stride + row : row * stride + col;
    return data + offset * static_cast<int64_t>(dtype_size(dtype));
  }
};

/// Element (row, col) of a matrix, col of a vector; null for an absent tensor.
inline char* address(const Tensor& t, int64_t row, int64_t col) {
  if (!t) return nullptr;
  const int64_t offset = t.rank == 1 ? col : row * t.stride[0] + col;
  return static_cast<char*>(t.data) + offset * static_cast<int64_t>(dtype_size(t.dtype));
}

/// The stored block of an operand → dense f32. Returns its row stride.
inline int64_t widen_block(const Kernels& kernels, const Operand& from, int64_t row, int64_t col,
                           int64_t rows, int64_t cols, float* to) {
  const int64_t stored_rows = from.transposed ? cols : rows;
  const int64_t stored_cols = from.transposed ? rows : cols;
  const char* first = from.at(row, col);
  for (int64_t r = 0; r < stored_rows; ++r)
    kernels.widen(to + r * stored_cols, reinterpret_cast<const uint16_t*>(first) + r * from.stride,
                  stored_cols);
  return stored_cols;
}

/// d_bias of the tile's rows: sums of op(a) over the depth.
inline void sum_rows(const Matmul& op, const Kernels& kernels, const Tile& tile, int64_t depth) {
  const Operand a(op.a, op.a_transpose);
  const int act = a.dtype == DType::BF16;
  float* out = op.d_bias.as<float>() + tile.row;
  const bool accumulate = op.mode == GradMode::Accumulate;
  if (a.transposed)
    kernels.column_sums[act](out, a.at(tile.row, 0), a.stride, depth, tile.rows, accumulate);
  else
    kernels.row_sums[act](out, a.at(tile.row, 0), a.stride, tile.rows, depth, accumulate);
}

}  // namespace causeway::cpu
