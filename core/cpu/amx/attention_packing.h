// Blocks of attention as the tile unit's operands. Widths are multiples of 32. Read next:
// attention_forward.cpp.
#pragma once
#include "core/cpu/amx/pack.h"
#include "core/cpu/kernels/attention_common.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// (rows, width) → a left operand, rows in whole blocks.
SIMD_INLINE void pack_rows(b16* to, const Stored<b16>& from) {
  for (int64_t r = 0; r < from.rows; r += kBlock)
    pack_left(to + r * from.width, from.width,
              ByLine{from.data + r * from.stride, from.stride, from.rows - r, from.width});
}

/// (rows, width) → right blocks whose columns are the rows and whose depth is the width: those of
/// row r, a multiple of 32, start at r · width.
SIMD_INLINE void pack_as_columns(b16* to, const Stored<b16>& from) {
  for (int64_t r = 0; r < from.rows; r += kBlock)
    pack_right(to + r * from.width,
               ByLine{from.data + r * from.stride, from.stride, from.rows - r, from.width});
}

/// (rows, width) → right blocks whose depth is the rows and whose columns are the width: those of
/// column i, a multiple of 32, start at i · most_rows.
SIMD_INLINE void pack_as_depth(b16* to, int64_t most_rows, const Stored<b16>& from) {
  for (int64_t i = 0; i < from.width; i += kBlock)
    pack_right(to + i * most_rows, ByDepth{from.data + i, from.stride, kBlock, from.rows});
}

/// (rows, width) → a left operand (width, rows), rows `row` apart.
SIMD_INLINE void pack_transposed(b16* to, int64_t row, const Stored<b16>& from) {
  for (int64_t i = 0; i < from.width; i += kBlock)
    pack_left(to + i * row, row, ByDepth{from.data + i, from.stride, kBlock, from.rows});
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
