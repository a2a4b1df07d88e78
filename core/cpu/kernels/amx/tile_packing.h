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

/// (rows, width) → a right operand whose columns are the rows and whose depth is the width; steps
/// lie `step` apart.
SIMD_INLINE void pack_as_columns(b16* to, int64_t step, const Stored<b16>& from) {
  for (int64_t r = 0; r < whole_blocks(from.rows); r += kTileRows)
    for (int64_t i = 0; i < from.width; i += kBlock) {
      F tile[kTileRows];
      for (int64_t k = 0; k < kTileRows; ++k) tile[k] = (F)row_or_zero(from, r + k, i);
      transpose_pairs(tile);
      b16* const at = to + i / kBlock * step + r / kTileRows * kTile;
      for (int64_t k = 0; k < kTileRows; ++k) store_block(at + k * kBlock, (B32)tile[k]);
    }
}

/// (rows, width) → a right operand whose depth is the rows: width / 16 tiles in each step of 32.
SIMD_INLINE void pack_as_depth(b16* to, const Stored<b16>& from) {
  for (int64_t r = 0; r < whole_blocks(from.rows); r += 2)
    for (int64_t i = 0; i < from.width; i += kBlock) {
      const Interleaved x = interleave(row_or_zero(from, r, i), row_or_zero(from, r + 1, i));
      b16* const at =
          to + r / kBlock * kBlock * from.width + i / kTileRows * kTile + r % kBlock / 2 * kBlock;
      store_block(at, x.first), store_block(at + kTile, x.second);
    }
}

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
