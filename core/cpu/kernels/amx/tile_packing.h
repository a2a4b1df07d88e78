// Blocks of bf16 as AMX's operands, and the exponential that is exact enough for bf16. Widths are
// multiples of 32. Read next: attention_forward.cpp.
#pragma once
#include "core/cpu/kernels/amx/tile_product.h"
#include "core/cpu/kernels/attention_common.h"

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
SIMD_INLINE B32 narrow(F first, F second) {
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

/// A tile of pairs, 16 × 16, rows and columns exchanged.
SIMD_INLINE void transpose_pairs(F* rows) { swap_blocks<kLanes / 2>(rows, AllLanes{}); }

/// Row r of `from`, elements i … i + 31; zeros beyond the rows there are.
SIMD_INLINE B32 row_or_zero(const Stored<b16>& from, int64_t r, int64_t i) {
  return r < from.rows ? load_block(from.data + r * from.stride + i) : B32{};
}

/// (rows, width) → a left operand, rows in whole blocks.
SIMD_INLINE void pack_rows(b16* to, const Stored<b16>& from) {
  for (int64_t r = 0; r < whole_blocks(from.rows); ++r)
    for (int64_t i = 0; i < from.width; i += kBlock)
      store_block(to + r * from.width + i, row_or_zero(from, r, i));
}

/// (rows, width) → right blocks whose columns are the rows and whose depth is the width: those of
/// row r, a multiple of 32, start at r · width.
SIMD_INLINE void pack_as_columns(b16* to, const Stored<b16>& from) {
  for (int64_t r = 0; r < whole_blocks(from.rows); r += kTileRows)
    for (int64_t i = 0; i < from.width; i += kBlock) {
      F tile[kTileRows];
      for (int64_t k = 0; k < kTileRows; ++k) tile[k] = (F)row_or_zero(from, r + k, i);
      transpose_pairs(tile);
      b16* const at = to + r / kBlock * kBlock * from.width + i * kBlock + r % kBlock * kBlock;
      for (int64_t k = 0; k < kTileRows; ++k) store_block(at + k * kBlock, (B32)tile[k]);
    }
}

/// (rows, width) → right blocks whose depth is the rows and whose columns are the width: those of
/// column i, a multiple of 32, start at i · most_rows.
SIMD_INLINE void pack_as_depth(b16* to, int64_t most_rows, const Stored<b16>& from) {
  for (int64_t r = 0; r < whole_blocks(from.rows); r += 2)
    for (int64_t i = 0; i < from.width; i += kBlock) {
      const Interleaved x = interleave(row_or_zero(from, r, i), row_or_zero(from, r + 1, i));
      b16* const at = to + i * most_rows + r / kBlock * kStep + r % kBlock / 2 * kBlock;
      store_block(at, x.first), store_block(at + kTile, x.second);
    }
}

/// (rows, width) → a left operand (width, rows), rows `row` apart.
SIMD_INLINE void pack_transposed(b16* to, int64_t row, const Stored<b16>& from) {
  for (int64_t r = 0; r < whole_blocks(from.rows); r += kBlock)
    for (int64_t i = 0; i < from.width; i += kBlock) {
      F first[kTileRows], second[kTileRows];
      for (int64_t k = 0; k < kTileRows; ++k) {
        const Interleaved x =
            interleave(row_or_zero(from, r + 2 * k, i), row_or_zero(from, r + 2 * k + 1, i));
        first[k] = (F)x.first, second[k] = (F)x.second;
      }
      transpose_pairs(first), transpose_pairs(second);
      for (int64_t k = 0; k < kTileRows; ++k) {
        store_block(to + (i + k) * row + r, (B32)first[k]);
        store_block(to + (i + kTileRows + k) * row + r, (B32)second[k]);
      }
    }
}

/// Rows of several tensors that will be wanted later, asked for one by one between other work: they
/// lie far apart, where no hardware prefetcher looks, and many at once would hold up all loads.
class Ahead {
 public:
  void read(const Stored<b16>& rows) { wanted_[count_++] = {rows, false}; }
  void write(const Stored<b16>& rows) { wanted_[count_++] = {rows, true}; }

  /// The next row of the next tensor.
  void ask() {
    const Wanted& w = wanted_[turn_];
    if (row_ < w.rows.rows) {
      const b16* const row = w.rows.data + row_ * w.rows.stride;
      for (int64_t i = 0; i < w.rows.width; i += kBlock)
        if (w.write)
          __builtin_prefetch(row + i, 1);
        else
          __builtin_prefetch(row + i, 0, 2);
    }
    if (++turn_ == count_) turn_ = 0, ++row_;
  }
  void ask(int times) {
    for (int i = 0; i < times; ++i) ask();
  }

 private:
  struct Wanted {
    Stored<b16> rows;
    bool write;
  };
  Wanted wanted_[4];
  int count_ = 0, turn_ = 0;
  int64_t row_ = 0;
};

/// 2^x with a relative error of 2.6e-6 (a rounding to bf16 has up to 2e-3); NaN for NaN.
SIMD_INLINE F exp2_for_bf16(F x) {
  const F r = (F)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF);  // x − ⌊x⌋; 0 for ±∞
  F p = splat(1.35341678e-2f);                                        // minimax on [0, 1]
  p = fma(p, r, splat(5.20114601e-2f));
  p = fma(p, r, splat(2.41442755e-1f));
  p = fma(p, r, splat(6.93003833e-1f));
  p = fma(p, r, splat(1.00000262f));
  return (F)_mm512_scalef_ps((__m512)p, (__m512)x);
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
