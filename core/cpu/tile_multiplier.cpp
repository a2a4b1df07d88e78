// Products in a tile unit. See tile_multiplier.h; the arithmetic: amx/products.cpp.
#include "core/cpu/tile_multiplier.h"

namespace causeway::cpu {
namespace {

/// Depth taken at a time: a tile's columns of b fit the second-level cache.
constexpr int64_t kMostDepth = 768;
/// Of b, packed for several columns of tiles. More would not stay in a shared cache.
constexpr size_t kMostPacked = size_t{8} << 20;

int64_t in_equal_parts(int64_t depth) {
  return equal_part(depth, (depth + kMostDepth - 1) / kMostDepth, kProductBlock);
}

/// An operand of so many rows or columns, packed.
size_t packed_bytes(int64_t lines, int64_t depth) {
  return round_up(lines, kProductBlock) * round_up(depth, kProductBlock) * sizeof(uint16_t);
}

/// b is packed once, in blocks of 32 columns over the depth that is taken at a time.
class InTileUnit final : public TileMultiplier {
 public:
  InTileUnit(const Kernels& kernels, const TileGrid& grid, int64_t depth, const TileTarget& target)
      : TileMultiplier(grid, depth, target),
        kernels_(kernels),
        part_(in_equal_parts(depth)),
        left_bytes_(packed_bytes(kProductBlock, part_)) {}

  int64_t columns_together() const override {
    const size_t column = packed_bytes(grid_.tile_cols, depth_);
    return std::clamp<int64_t>(kMostPacked / column, 1, grid_.across());
  }
  size_t shared_bytes() const override {
    return packed_bytes(columns_together() * grid_.tile_cols, depth_);
  }
  size_t slot_bytes() const override {
    const int64_t rows = part_ < depth_ ? grid_.tile_rows : kProductBlock;
    return left_bytes_ + (target_.in_scratch ? rows * target_.stride * sizeof(float) : 0);
  }

  void pack(const Matmul& op, int64_t begin, int64_t end, Pool& pool, char* shared) const override {
    const Operand b(op.b, op.b_transpose);
    const int64_t parts = (depth_ + part_ - 1) / part_;
    pool.run((end - begin) * parts, [&](int64_t i, int) {
      const Tile tile = tile_at(grid_, (begin + i / parts) * grid_.down());
      const int64_t k = i % parts * part_;
      kernels_.pack_right(shared + offset(tile, k), b.at(k, tile.col), b.stride, b.transposed,
                          std::min(part_, depth_ - k), tile.cols);
    });
  }

  void multiply(const Matmul& op, const Tile& tile, char* to, const Memory& memory,
                const Finish& finish) const override {
    const Operand a(op.a, op.a_transpose);
    for (int64_t k = 0; k < depth_; k += part_)
      for (int64_t row = 0; row < tile.rows; row += kProductBlock) {
        const int64_t rows = std::min(kProductBlock, tile.rows - row);
        float* const product = product_of(row, to, memory.own);
        kernels_.tile_rows({.a = a.at(tile.row + row, k),
                            .a_stride = a.stride,
                            .a_transposed = a.transposed,
                            .packed_right = memory.shared + offset(tile, k),
                            .packed_left = memory.own,
                            .rows = rows,
                            .cols = tile.cols,
                            .depth = std::min(part_, depth_ - k),
                            .product = product,
                            .product_stride = target_.stride,
                            .accumulate = target_.accumulate || k > 0});
        if (k + part_ >= depth_) finish(row, rows, product);
      }
  }

 private:
  /// Of the tile's columns from depth k on, among those that are packed together.
  size_t offset(const Tile& tile, int64_t k) const {
    const int64_t before = tile.col / grid_.tile_cols % columns_together() * grid_.tile_cols;
    return packed_bytes(before, depth_) + packed_bytes(tile.cols, k);
  }
  /// In scratch, rows that are finished at once follow each other in the same memory.
  float* product_of(int64_t row, char* to, char* own) const {
    if (!target_.in_scratch) return reinterpret_cast<float*>(to) + row * target_.stride;
    float* const scratch = reinterpret_cast<float*>(own + left_bytes_);
    return scratch + (part_ < depth_ ? row * target_.stride : 0);
  }

  const Kernels& kernels_;
  int64_t part_;
  size_t left_bytes_;
};

}  // namespace

std::unique_ptr<TileMultiplier> multiply_in_tile_unit(const Kernels& kernels, const TileGrid& grid,
                                                      int64_t depth, const TileTarget& target) {
  return std::make_unique<InTileUnit>(kernels, grid, depth, target);
}

}  // namespace causeway::cpu
