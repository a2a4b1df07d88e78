// bf16 matrix products in the tile unit, 32 rows at a time; sums stay f32. Every sum runs over the
// depth in order, whatever the shape.
// Read next: pack.h, ../products.cpp.
#include "core/cpu/amx/fill.h"
#include "core/cpu/amx/pack.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Depth for which a block of each operand fits the first-level cache, and columns whose sums do.
constexpr int64_t kSlab = 256, kColsInCache = 128;

/// Read where it lies, if it is whole blocks there.
LeftBlock left_operand(const TileRowsArgs& p) {
  const b16* a = static_cast<const b16*>(p.a);
  if (!p.a_transposed && p.rows == kBlock && p.depth % kBlock == 0) return {a, p.a_stride};
  b16* const packed = static_cast<b16*>(p.packed_left);
  const int64_t row = whole_blocks(p.depth);
  if (p.a_transposed)
    pack_left(packed, row, ByDepth{a, p.a_stride, p.rows, p.depth});
  else
    pack_left(packed, row, ByLine{a, p.a_stride, p.rows, p.depth});
  return {packed, row};
}

void pack_right_operand(void* to, const void* b, int64_t stride, bool transposed, int64_t depth,
                        int64_t cols) {
  const b16* const from = static_cast<const b16*>(b);
  for (int64_t col = 0; col < cols; col += kBlock) {
    b16* const block = static_cast<b16*>(to) + col * whole_blocks(depth);
    if (transposed)
      pack_right(block, ByLine{from + col * stride, stride, cols - col, depth});
    else
      pack_right(block, ByDepth{from + col, stride, cols - col, depth});
  }
}

/// Some columns at a time: their sums and a slab of a stay in the first-level cache while blocks of
/// b pass by.
void tile_rows(const TileRowsArgs& p) {
  const Tiles tiles;
  const LeftBlock left = left_operand(p);
  const b16* const right = static_cast<const b16*>(p.packed_right);
  const int64_t depth = whole_blocks(p.depth);
  for (int64_t first = 0; first < p.cols; first += kColsInCache)
    for (int64_t k = 0; k < depth; k += kSlab) {
      const int64_t steps = (depth - k < kSlab ? depth - k : kSlab) / kBlock;
      const Into into = p.accumulate || k > 0 ? Into::Add : Into::Overwrite;
      for (int64_t col = first; col < p.cols && col < first + kColsInCache; col += kBlock)
        multiply(into, {p.product + col, p.product_stride}, {left.data + k, left.row},
                 {right + col * depth + k * kBlock}, steps);
    }
}

}  // namespace

void fill_products(Kernels& k) {
  k.pack_right = pack_right_operand;
  k.tile_rows = tile_rows;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
