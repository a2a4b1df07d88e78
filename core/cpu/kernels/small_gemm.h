// C (+)= A · B for the blocks of attention: operands in cache, B packed to whole vectors, sums held
// in registers. Read next: attention_forward.cpp.
#pragma once
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Sums kept in registers: kRowsHeld × kVectorsHeld, as many as leave room for one row of B.
constexpr int kRowsHeld = 6;
constexpr int kVectorsHeld = kLanes == 16 ? 4 : 2;

/// Element (r, k) lies at data[r · row + k · depth].
struct Left {
  const float* data;
  int64_t row, depth;
};
/// Rows of whole vectors.
struct Right {
  const float* data;
  int64_t stride;
};
struct Product {
  float* data;
  int64_t stride;
};
enum class Into { Overwrite, Add };

template <int R, int V, Into into>
SIMD_INLINE void gemm_block(Product c, Left a, Right b, int64_t depth) {
  F s[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v)
      s[r][v] = into == Into::Add ? load(c.data + r * c.stride + v * kLanes) : F{};
  for (int64_t k = 0; k < depth; ++k) {
    F row[V];
    for (int v = 0; v < V; ++v) row[v] = load(b.data + k * b.stride + v * kLanes);
    for (int r = 0; r < R; ++r) {
      const F x = splat(a.data[r * a.row + k * a.depth]);
      for (int v = 0; v < V; ++v) s[r][v] = fma(x, row[v], s[r][v]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) store(c.data + r * c.stride + v * kLanes, s[r][v]);
}

template <int V, Into into>
void gemm_panel(Product c, Left a, Right b, int64_t rows, int64_t depth) {
  for (; rows >= kRowsHeld; rows -= kRowsHeld) {
    gemm_block<kRowsHeld, V, into>(c, a, b, depth);
    c.data += kRowsHeld * c.stride, a.data += kRowsHeld * a.row;
  }
  for (; rows >= 2; rows -= 2) {
    gemm_block<2, V, into>(c, a, b, depth);
    c.data += 2 * c.stride, a.data += 2 * a.row;
  }
  if (rows) gemm_block<1, V, into>(c, a, b, depth);
}

/// `vectors` columns of vectors. Every element's sum runs over depth in order, whatever the shape.
template <Into into>
void gemm(Product c, Left a, Right b, int64_t rows, int64_t vectors, int64_t depth) {
  for (; vectors >= kVectorsHeld; vectors -= kVectorsHeld) {
    gemm_panel<kVectorsHeld, into>(c, a, b, rows, depth);
    c.data += kVectorsHeld * kLanes, b.data += kVectorsHeld * kLanes;
  }
  for (; vectors >= 1; --vectors) {
    gemm_panel<1, into>(c, a, b, rows, depth);
    c.data += kLanes, b.data += kLanes;
  }
}

constexpr int64_t vectors_for(int64_t n) { return (n + kLanes - 1) / kLanes; }
constexpr int64_t padded(int64_t n) { return vectors_for(n) * kLanes; }

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
