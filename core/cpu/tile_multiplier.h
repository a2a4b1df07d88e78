// How the tiles of a matrix product are multiplied: a plan's choice between oneDNN (matmul.cpp) and
// our own kernels (tile_multiplier.cpp). Each tile is one thread's, over the whole depth.
// Read next: products.h.
#pragma once
#include <functional>
#include <memory>

#include "core/cpu/operand.h"
#include "core/cpu/pool.h"

namespace causeway::cpu {

/// Where the products of tiles go.
struct TileTarget {
  bool in_scratch;  ///< f32 in memory of the multiplier's own; else the target's memory
  DType dtype;      ///< f32, or bf16 where nothing is left to be done
  int64_t stride;
  bool accumulate;  ///< the product is added to what is there
};

/// What follows a product while it is in cache: finish(row, rows, product) for rows of the tile.
using Finish = std::function<void(int64_t row, int64_t rows, const void* product)>;

struct Memory {
  char* shared;  ///< as `pack` left it
  char* own;     ///< slot_bytes() of this thread
  int slot;
};

class TileMultiplier {
 public:
  TileMultiplier(const TileGrid& grid, int64_t depth, const TileTarget& target)
      : grid_(grid), depth_(depth), target_(target) {}
  virtual ~TileMultiplier() = default;

  /// Columns of tiles that are made together, after their part of b has been packed.
  virtual int64_t columns_together() const { return grid_.across(); }
  virtual size_t shared_bytes() const { return 0; }
  /// Packs b for the tiles of columns [begin, end) into `shared`.
  virtual void pack(const Matmul&, int64_t, int64_t, Pool&, char*) const {}

  /// Working memory of a thread.
  virtual size_t slot_bytes() const = 0;
  /// What a library takes for each thread on its own account.
  virtual size_t library_bytes() const { return 0; }
  /// The tile of op(a) · op(b), and `finish` for all its rows. `to` is its place in the target.
  virtual void multiply(const Matmul& op, const Tile& tile, char* to, const Memory& memory,
                        const Finish& finish) const = 0;

 protected:
  TileGrid grid_;
  int64_t depth_;
  TileTarget target_;
};

// What oneDNN refuses is the Error "device.onednn".

/// f32, by oneDNN.
std::unique_ptr<TileMultiplier> multiply_f32(const TileGrid& grid, int64_t depth,
                                             const TileTarget& target);
/// bf16 in hardware, by oneDNN; `slots` threads.
std::unique_ptr<TileMultiplier> multiply_bf16(const Matmul& op, const TileGrid& grid, int64_t depth,
                                              const TileTarget& target, int slots);
/// bf16 widened to f32 slab by slab, by oneDNN.
std::unique_ptr<TileMultiplier> multiply_widened(const Kernels& kernels, const TileGrid& grid,
                                                 int64_t depth, const TileTarget& target);
/// bf16 in hardware, by Kernels::tile_rows; into f32, whole blocks of 32 × 32.
std::unique_ptr<TileMultiplier> multiply_in_tile_unit(const Kernels& kernels, const TileGrid& grid,
                                                      int64_t depth, const TileTarget& target);

}  // namespace causeway::cpu
