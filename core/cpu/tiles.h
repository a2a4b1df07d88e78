// How a matrix is cut into tiles: by its shape alone, never by the number of threads. Read next:
// products.cpp.
#pragma once
#include <cstdint>

namespace causeway::cpu {

/// A grid of tiles over (rows, cols): all tile_rows × tile_cols but for the last of a row or
/// column.
struct TileGrid {
  int64_t rows, cols;
  int64_t tile_rows, tile_cols;

  int64_t down() const { return (rows + tile_rows - 1) / tile_rows; }
  int64_t across() const { return (cols + tile_cols - 1) / tile_cols; }
  int64_t count() const { return down() * across(); }
};

struct Tile {
  int64_t row, col, rows, cols;
};

/// Tiles in order: down a column of tiles first, so that neighbours in time share their part of B.
Tile tile_at(const TileGrid& grid, int64_t index);

/// At most 256 × 512: wide tiles reuse what oneDNN packs of B, and the epilogue still finds 256
/// rows in the second-level cache. Then rows are split, and after them columns, until there are 8
/// tiles, work for 2 to 8 threads, or pieces would fall below 64 × 256, where oneDNN loses 10–40 %
/// (measured). An odd number below 16 is made even, because two threads would wait for the last.
TileGrid cut_tiles(int64_t rows, int64_t cols);

/// For our kernels in a tile unit, which take blocks of 32 × 32 and pack a transposed a anew for
/// each tile: wide tiles.
TileGrid cut_tiles_for_tile_unit(int64_t rows, int64_t cols);
inline constexpr int64_t kProductBlock = 32;

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
/// The size of each of `parts` nearly equal parts of n, in multiples of `to`.
inline int64_t equal_part(int64_t n, int64_t parts, int64_t to) {
  return round_up((n + parts - 1) / parts, to);
}

}  // namespace causeway::cpu
