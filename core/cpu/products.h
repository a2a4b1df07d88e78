// Matrix products in tiles. The output is cut by its shape alone, each tile is computed by one
// thread over the whole depth, so the bits are the same for any number of threads; the epilogue
// runs on the tile while it is in cache. Read next: products.cpp.
#pragma once
#include <cstdint>
#include <memory>

#include "core/backend.h"
#include "core/cpu/kernels.h"
#include "core/cpu/pool.h"
#include "core/cpu/scratch.h"
#include "core/cpu/tiles.h"

namespace causeway::cpu {

/// How bf16 operands are multiplied: by our kernels in a tile unit, by oneDNN in hardware, or
/// widened to f32 tile by tile.
enum class Bf16 : uint8_t { TileUnit, Native, Widened };

class Products {
 public:
  Products(const Kernels& kernels, Pool& pool, Scratch& scratch, Bf16 bf16);
  ~Products();

  /// Builds the plan of this shape and reserves its scratch memory; touches no data.
  void prepare(const Matmul& op);
  void run(const Matmul& op);  ///< must have been prepared
  /// Memory that oneDNN takes on its own account while it multiplies, as far as it was prepared.
  size_t library_bytes() const { return library_bytes_per_thread_ * pool_.threads(); }

 private:
  struct Plan;
  struct Key;
  struct KeyHash;
  struct Cache;

  const Plan& plan(const Matmul& op);
  std::unique_ptr<Plan> make_plan(const Matmul& op);
  void run_tile(const Matmul& op, const Plan& plan, const Tile& tile, int slot);

  const Kernels& kernels_;
  Pool& pool_;
  Scratch& scratch_;
  Bf16 bf16_;
  std::unique_ptr<Cache> cache_;
  size_t library_bytes_per_thread_ = 0;
};

}  // namespace causeway::cpu
