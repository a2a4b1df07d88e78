// C += A · B for the blocks of attention: operands in cache, B packed to whole vectors, sums held
// in registers. Read next: attention_blocks.h.
#pragma once
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Columns of a product are made kVectorsHeld vectors at a time, and so many rows: their sums and
/// one row of B fit the registers, and 8 sums and more hide the latency of an addition.
constexpr int kVectorsHeld = kLanes == 16 ? 4 : 2;
constexpr int rows_held(int vectors) { return vectors == kVectorsHeld ? 4 : 8; }

/// Two bf16 that follow each other along the depth; the first is in the lower half.
using Pair = uint32_t;

/// Element (r, k) lies at data[r · row + k · depth]. An element is a float or a Pair.
template <class E>
struct Left {
  const E* data;
  int64_t row, depth;
};
template <class E>
SIMD_INLINE Left<E> from_row(const Left<E>& a, int64_t r) {
  return {a.data + r * a.row, a.row, a.depth};
}
/// Rows of whole vectors of elements.
template <class E>
struct Right {
  const E* data;
  int64_t stride;
};
struct Product {
  float* data;
  int64_t stride;
};

SIMD_INLINE F multiply_add(const float* x, const float* y, F sum) {
  return fma(splat(*x), load(y), sum);
}
#if defined(__AVX512BF16__)
SIMD_INLINE F multiply_add(const Pair* x, const Pair* y, F sum) {
  const __m512i left = _mm512_set1_epi32(static_cast<int>(*x)), right = _mm512_loadu_si512(y);
  return (F)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
}
#endif

/// s[r][v] += element (r, k) of a · vector v of row k of b.
template <int R, int V, class E>
SIMD_INLINE void multiply_add_at(int64_t k, F (&s)[R][V], Left<E> a, Right<E> b) {
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v)
      s[r][v] = multiply_add(a.data + r * a.row + k * a.depth, b.data + k * b.stride + v * kLanes,
                             s[r][v]);
}

/// s[r][v] += row r of a · vector v of columns of b.
template <int R, int V, class E>
SIMD_INLINE void multiply_add(F (&s)[R][V], Left<E> a, Right<E> b, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k) multiply_add_at(k, s, a, b);
}

/// Two products of one depth side by side.
template <int R, int V, class E>
SIMD_INLINE void multiply_add(F (&s1)[R][V], Left<E> a1, Right<E> b1, F (&s2)[R][V], Left<E> a2,
                              Right<E> b2, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k)
    multiply_add_at(k, s1, a1, b1), multiply_add_at(k, s2, a2, b2);
}

template <int R, int V, class E>
SIMD_INLINE void gemm_block(Product c, Left<E> a, Right<E> b, int64_t depth) {
  F s[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) s[r][v] = load(c.data + r * c.stride + v * kLanes);
  multiply_add(s, a, b, depth);
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) store(c.data + r * c.stride + v * kLanes, s[r][v]);
}

template <int V, class E>
void gemm_panel(Product c, Left<E> a, Right<E> b, int64_t rows, int64_t depth) {
  constexpr int kRows = rows_held(V);
  for (; rows >= kRows; rows -= kRows) {
    gemm_block<kRows, V>(c, a, b, depth);
    c.data += kRows * c.stride, a.data += kRows * a.row;
  }
  for (; rows >= 2; rows -= 2) {
    gemm_block<2, V>(c, a, b, depth);
    c.data += 2 * c.stride, a.data += 2 * a.row;
  }
  if (rows) gemm_block<1, V>(c, a, b, depth);
}

/// `vectors` columns of vectors; `depth` in elements. Every sum runs over depth in order, whatever
/// the shape.
template <int V = kVectorsHeld, class E>
void gemm(Product c, Left<E> a, Right<E> b, int64_t rows, int64_t vectors, int64_t depth) {
  for (; vectors >= V; vectors -= V) {
    gemm_panel<V>(c, a, b, rows, depth);
    c.data += V * kLanes, b.data += V * kLanes;
  }
  if constexpr (V > 1) gemm<V / 2>(c, a, b, rows, vectors, depth);
}

constexpr int64_t vectors_for(int64_t n) { return (n + kLanes - 1) / kLanes; }
constexpr int64_t padded(int64_t n) { return vectors_for(n) * kLanes; }

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
