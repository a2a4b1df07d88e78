// See tiles.h.
#include "core/cpu/tiles.h"

#include <algorithm>

namespace causeway::cpu {
namespace {

constexpr int64_t kMostRows = 256, kMostCols = 512;
constexpr int64_t kLeastRows = 64, kLeastCols = 256;
constexpr int64_t kEnoughTiles = 8;

/// In whole vectors of 16, but no more than there is.
int64_t piece(int64_t n, int64_t parts) {
  return std::max<int64_t>(1, std::min(n, equal_part(n, parts, 16)));
}

}  // namespace

Tile tile_at(const TileGrid& grid, int64_t index) {
  const int64_t row = index % grid.down() * grid.tile_rows;
  const int64_t col = index / grid.down() * grid.tile_cols;
  return {row, col, std::min(grid.tile_rows, grid.rows - row),
          std::min(grid.tile_cols, grid.cols - col)};
}

TileGrid cut_tiles(int64_t rows, int64_t cols) {
  int64_t down = std::max<int64_t>(1, (rows + kMostRows - 1) / kMostRows);
  int64_t across = std::max<int64_t>(1, (cols + kMostCols - 1) / kMostCols);
  while (down * across < kEnoughTiles && rows / (down + 1) >= kLeastRows) ++down;
  while (down * across < kEnoughTiles && cols / (across + 1) >= kLeastCols) ++across;
  const bool odd = down % 2 && across % 2 && down * across > 1;
  if (odd && down * across < 2 * kEnoughTiles && rows / (down + 1) >= kLeastRows) ++down;
  return {rows, cols, piece(rows, down), piece(cols, across)};
}

TileGrid cut_tiles_for_tile_unit(int64_t rows, int64_t cols) {
  int64_t down = std::max<int64_t>(1, (rows + kMostRows - 1) / kMostRows);
  const int64_t across = std::max<int64_t>(1, (cols + kMostCols - 1) / kMostCols);
  while (down * across < kEnoughTiles && rows / (down + 1) >= kLeastRows) ++down;
  return {rows, cols, equal_part(rows, down, kProductBlock),
          equal_part(cols, across, kProductBlock)};
}

}  // namespace causeway::cpu
