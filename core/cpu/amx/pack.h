// Operands of products, packed for tiles: panels of 32 rows or columns, for every 32 of the depth
// two tiles of 1 KiB. What lies beyond the operand is zero. Read next: products.cpp.
#pragma once
#include "core/cpu/amx/tile.h"
#include "core/cpu/simd_transpose.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

constexpr int64_t kPanel = 2 * kTileRows;  // rows of a, or columns of b
constexpr int64_t kStepBytes = 2 * kTileBytes;

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
constexpr int64_t panel_bytes(int64_t depth) {
  return round_up(depth, kTileDepth) / kTileDepth * kStepBytes;
}

/// The first n of 32 numbers; the others read as zero, and their memory is not touched.
SIMD_INLINE U load_words(const b16* from, int64_t n) {
  if (n >= 32) {
    U words;
    __builtin_memcpy(&words, from, sizeof words);
    return words;
  }
  return n > 0 ? (U)_mm512_maskz_loadu_epi16((1u << n) - 1, from) : U{};
}
SIMD_INLINE void store_row(char* to, U words) { __builtin_memcpy(to, &words, sizeof words); }

/// Of two stored rows the numbers of each column side by side: of 16 columns, and 16 more.
struct Sides {
  U a, b;
};
SIMD_INLINE Sides side_by_side(U first, U second) {
  constexpr auto word = [](int i) { return (i + 32) << 16 | i; };
  const __m512i low = _mm512_setr_epi32(word(0), word(1), word(2), word(3), word(4), word(5),
                                        word(6), word(7), word(8), word(9), word(10), word(11),
                                        word(12), word(13), word(14), word(15));
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(0x00100010));
  return {(U)_mm512_permutex2var_epi16((__m512i)first, low, (__m512i)second),
          (U)_mm512_permutex2var_epi16((__m512i)first, high, (__m512i)second)};
}

/// A panel whose `lines` lines (rows of a, columns of b) are stored one after another, the depth
/// contiguous.
struct ByLine {
  const b16* from;
  int64_t stride, lines, depth;
};
/// A panel whose lines are contiguous, and stored once for each number of the depth.
struct ByDepth {
  const b16* from;
  int64_t stride, lines, depth;
};

/// Left operand: a tile's row is 32 numbers of a line.
SIMD_INLINE void pack_left(char* to, const ByLine& p) {
  for (int64_t k = 0; k < p.depth; k += kTileDepth, to += kStepBytes)
    for (int64_t r = 0; r < kPanel; ++r)
      store_row(to + r * kTileRowBytes,
                r < p.lines ? load_words(p.from + r * p.stride + k, p.depth - k) : U{});
}

/// The rows k + 2i and k + 2i + 1 side by side.
SIMD_INLINE Sides pair_of_rows(const ByDepth& p, int64_t k) {
  const b16* row = p.from + k * p.stride;
  const U first = k < p.depth ? load_words(row, p.lines) : U{};
  const U second = k + 1 < p.depth ? load_words(row + p.stride, p.lines) : U{};
  return side_by_side(first, second);
}

SIMD_INLINE void pack_left(char* to, const ByDepth& p) {
  for (int64_t k = 0; k < p.depth; k += kTileDepth, to += kStepBytes) {
    F upper[kTileRows], lower[kTileRows];
    for (int64_t i = 0; i < kTileRows; ++i) {
      const Sides sides = pair_of_rows(p, k + 2 * i);
      upper[i] = (F)sides.a, lower[i] = (F)sides.b;
    }
    transpose_square(upper);
    transpose_square(lower);
    for (int64_t i = 0; i < kTileRows; ++i) {
      store_row(to + i * kTileRowBytes, (U)upper[i]);
      store_row(to + kTileBytes + i * kTileRowBytes, (U)lower[i]);
    }
  }
}

/// Right operand: a tile's row is two numbers of each of 16 lines.
SIMD_INLINE void pack_right(char* to, const ByLine& p) {
  for (int64_t k = 0; k < p.depth; k += kTileDepth, to += kStepBytes)
    for (int64_t half = 0; half < 2; ++half) {
      F square[kTileCols];
      for (int64_t i = 0; i < kTileCols; ++i) {
        const int64_t line = half * kTileCols + i;
        square[i] = line < p.lines ? (F)load_words(p.from + line * p.stride + k, p.depth - k) : F{};
      }
      transpose_square(square);
      for (int64_t i = 0; i < kTileRows; ++i)
        store_row(to + half * kTileBytes + i * kTileRowBytes, (U)square[i]);
    }
}
SIMD_INLINE void pack_right(char* to, const ByDepth& p) {
  for (int64_t k = 0; k < p.depth; k += kTileDepth, to += kStepBytes)
    for (int64_t i = 0; i < kTileRows; ++i) {
      const Sides sides = pair_of_rows(p, k + 2 * i);
      store_row(to + i * kTileRowBytes, sides.a);
      store_row(to + kTileBytes + i * kTileRowBytes, sides.b);
    }
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
