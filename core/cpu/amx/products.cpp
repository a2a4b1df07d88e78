// One tile of a bf16 matrix product: what is bf16 goes through the tile unit in panels of 32 × 32,
// sums stay f32. Every sum runs over the depth in order, whatever the shape.
// Read next: pack.h, ../products.cpp.
#include "core/cpu/amx/fill.h"
#include "core/cpu/amx/pack.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Depth for which two panels fit the first-level cache.
constexpr int64_t kSlab = 256;
constexpr int64_t kColsInCache = 128;

/// What a tile instruction reads as left operand: two tiles, then those of the next 32 of the
/// depth.
struct LeftPanel {
  const char* upper;
  const char* lower;
  int64_t row_bytes, step_bytes;
};

/// c (32 × 32 of rows of `row_bytes`) (+)= a · b.
template <bool kAdd>
SIMD_INLINE void multiply_panels(char* c, int64_t row_bytes, LeftPanel a, const char* b,
                                 int64_t steps) {
  char* const below = c + kTileRows * row_bytes;
  if constexpr (kAdd) {
    load_tile<0>(c, row_bytes);
    load_tile<1>(c + kTileRowBytes, row_bytes);
    load_tile<2>(below, row_bytes);
    load_tile<3>(below + kTileRowBytes, row_bytes);
  } else {
    zero_tile<0>(), zero_tile<1>(), zero_tile<2>(), zero_tile<3>();
  }
  for (int64_t i = 0; i < steps; ++i) {
    load_tile<6>(b, kTileRowBytes);
    load_tile<4>(a.upper, a.row_bytes);
    load_tile<7>(b + kTileBytes, kTileRowBytes);
    load_tile<5>(a.lower, a.row_bytes);
    multiply_tiles<0, 4, 6>();
    multiply_tiles<1, 4, 7>();
    multiply_tiles<2, 5, 6>();
    multiply_tiles<3, 5, 7>();
    a.upper += a.step_bytes, a.lower += a.step_bytes, b += kStepBytes;
  }
  store_tile<0>(c, row_bytes);
  store_tile<1>(c + kTileRowBytes, row_bytes);
  store_tile<2>(below, row_bytes);
  store_tile<3>(below + kTileRowBytes, row_bytes);
}

/// Read where it lies, if it is whole tiles there.
LeftPanel left_panel(const TileRowsArgs& p) {
  const b16* a = static_cast<const b16*>(p.a);
  char* const memory = static_cast<char*>(p.packed_left);
  if (p.a_transposed) {
    pack_left(memory, ByDepth{a, p.a_stride, p.rows, p.depth});
  } else if (p.rows == kPanel && p.depth % kTileDepth == 0) {
    const int64_t row_bytes = p.a_stride * sizeof(b16);
    const char* first = static_cast<const char*>(p.a);
    return {first, first + kTileRows * row_bytes, row_bytes, kTileRowBytes};
  } else {
    pack_left(memory, ByLine{a, p.a_stride, p.rows, p.depth});
  }
  return {memory, memory + kTileBytes, kTileRowBytes, kStepBytes};
}

void pack_right_operand(char* to, const void* from, int64_t stride, bool transposed, int64_t depth,
                        int64_t cols) {
  const b16* b = static_cast<const b16*>(from);
  for (int64_t col = 0; col < cols; col += kPanel, to += panel_bytes(depth)) {
    const int64_t n = cols - col < kPanel ? cols - col : kPanel;
    if (transposed)
      pack_right(to, ByLine{b + col * stride, stride, n, depth});
    else
      pack_right(to, ByDepth{b + col, stride, n, depth});
  }
}

/// 32 rows, some columns at a time: their sums and a slab of a's panel stay in the first-level
/// cache while b's panels pass by.
template <bool kAdd>
void multiply_rows(char* c, int64_t row_bytes, const LeftPanel& a, const char* b, int64_t cols,
                   int64_t steps) {
  constexpr int64_t kSlabSteps = kSlab / kTileDepth;
  for (int64_t first = 0; first < cols; first += kColsInCache)
    for (int64_t step = 0; step < steps; step += kSlabSteps) {
      const int64_t n = steps - step < kSlabSteps ? steps - step : kSlabSteps;
      const LeftPanel left{a.upper + step * a.step_bytes, a.lower + step * a.step_bytes,
                           a.row_bytes, a.step_bytes};
      for (int64_t col = first; col < cols && col < first + kColsInCache; col += kPanel) {
        char* const sums = c + col * sizeof(float);
        const char* right = b + (col / kPanel * steps + step) * kStepBytes;
        if (kAdd || step > 0)
          multiply_panels<true>(sums, row_bytes, left, right, n);
        else
          multiply_panels<false>(sums, row_bytes, left, right, n);
      }
    }
}

size_t packed_right_bytes(int64_t cols, int64_t depth) {
  return panel_bytes(depth) * (round_up(cols, kPanel) / kPanel);
}
size_t packed_left_bytes(int64_t depth) { return panel_bytes(depth); }

void tile_rows(const TileRowsArgs& p) {
  const Tiles tiles;
  const LeftPanel left = left_panel(p);
  char* const sums = reinterpret_cast<char*>(p.product);
  const int64_t row_bytes = p.product_stride * sizeof(float),
                steps = panel_bytes(p.depth) / kStepBytes;
  const char* right = static_cast<const char*>(p.packed_right);
  if (p.accumulate)
    multiply_rows<true>(sums, row_bytes, left, right, p.cols, steps);
  else
    multiply_rows<false>(sums, row_bytes, left, right, p.cols, steps);
}

}  // namespace

void fill_products(Kernels& k) {
  k.packed_right_bytes = packed_right_bytes;
  k.packed_left_bytes = packed_left_bytes;
  k.pack_right = pack_right_operand;
  k.tile_rows = tile_rows;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
