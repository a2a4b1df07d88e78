// Operands packed as the tile unit reads them, whole blocks of 32 × 32; what lies beyond the
// operand is zero, and its memory is not touched. Read next: products.cpp, attention_packing.h.
#pragma once
#include "core/cpu/amx/tile_product.h"
#include "core/cpu/simd_shuffle.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

constexpr int64_t whole_blocks(int64_t n) { return (n + kBlock - 1) / kBlock * kBlock; }

/// 32 bf16.
typedef uint16_t B32 __attribute__((vector_size(64)));

SIMD_INLINE B32 load_block(const b16* p) {
  B32 x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
SIMD_INLINE void store_block(b16* p, B32 x) { __builtin_memcpy(p, &x, sizeof x); }

/// Rounds to nearest even; what is denormal becomes 0.
SIMD_INLINE B32 narrow_two(F first, F second) {
  return (B32)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

/// Lane by lane a and b side by side: of lanes 0 … 15 in `first`, of 16 … 31 in `second`.
struct Interleaved {
  B32 first, second;
};
SIMD_INLINE Interleaved interleave(B32 a, B32 b) {
  // The instructions interleave within quarters: each gets 4 lanes of the lower and of the upper
  // half.
  const __m512i quarters = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  const __m512i x = _mm512_permutexvar_epi64(quarters, (__m512i)a);
  const __m512i y = _mm512_permutexvar_epi64(quarters, (__m512i)b);
  return {(B32)_mm512_unpacklo_epi16(x, y), (B32)_mm512_unpackhi_epi16(x, y)};
}

/// Of 32 columns, whose numbers 2i and 2i + 1 are side by side in pairs(i), every row: store(r,
/// row).
template <class Pairs, class Store>
SIMD_INLINE void rows_of_pairs(Pairs pairs, Store store) {
  F first[kTileRows], second[kTileRows];
  for (int64_t i = 0; i < kTileRows; ++i) {
    const Interleaved x = pairs(i);
    first[i] = (F)x.first, second[i] = (F)x.second;
  }
  transpose_square(first), transpose_square(second);
  for (int64_t i = 0; i < kTileRows; ++i) {
    store(i, (B32)first[i]);
    store(kTileRows + i, (B32)second[i]);
  }
}

/// The first n of 32.
SIMD_INLINE B32 load_block(const b16* p, int64_t n) {
  if (n >= kBlock) return load_block(p);
  return n > 0 ? (B32)_mm512_maskz_loadu_epi16((1u << n) - 1, p) : B32{};
}

/// Lines of an operand, rows of the left or columns of the right, of which 32 are packed: stored
/// one after another, each `stride` from the last, the depth contiguous.
struct ByLine {
  const b16* data;
  int64_t stride, lines, depth;
  B32 at(int64_t line, int64_t k) const {
    return line < lines ? load_block(data + line * stride + k, depth - k) : B32{};
  }
};
/// The same, but stored once for each number of the depth, the lines contiguous.
struct ByDepth {
  const b16* data;
  int64_t stride, lines, depth;
  B32 at(int64_t k) const { return k < depth ? load_block(data + k * stride, lines) : B32{}; }
  /// Numbers k and k + 1 of every line side by side.
  Interleaved pairs(int64_t k) const { return interleave(at(k), at(k + 1)); }
};

/// Left operand: 32 rows, `row` apart.
SIMD_INLINE void pack_left(b16* to, int64_t row, const ByLine& from) {
  for (int64_t r = 0; r < kBlock; ++r)
    for (int64_t k = 0; k < from.depth; k += kBlock) store_block(to + r * row + k, from.at(r, k));
}
SIMD_INLINE void pack_left(b16* to, int64_t row, const ByDepth& from) {
  for (int64_t k = 0; k < from.depth; k += kBlock)
    rows_of_pairs([&](int64_t i) { return from.pairs(k + 2 * i); },
                  [&](int64_t r, B32 numbers) { store_block(to + r * row + k, numbers); });
}

/// Right operand: 32 columns, a RightBlock.
SIMD_INLINE void pack_right(b16* to, const ByLine& from) {
  for (int64_t k = 0; k < from.depth; k += kBlock, to += kStep)
    for (int64_t half = 0; half < kBlock; half += kTileRows) {
      F tile[kTileRows];
      for (int64_t i = 0; i < kTileRows; ++i) tile[i] = (F)from.at(half + i, k);
      transpose_square(tile);
      for (int64_t i = 0; i < kTileRows; ++i) store_block(to + (half + i) * kBlock, (B32)tile[i]);
    }
}
SIMD_INLINE void pack_right(b16* to, const ByDepth& from) {
  for (int64_t k = 0; k < from.depth; k += kBlock, to += kStep)
    for (int64_t i = 0; i < kTileRows; ++i) {
      const Interleaved x = from.pairs(k + 2 * i);
      store_block(to + i * kBlock, x.first), store_block(to + kTile + i * kBlock, x.second);
    }
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
