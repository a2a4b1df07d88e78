// See products.h. Read next: tile_multiplier.h, kernels/epilogues.cpp.
#include "core/cpu/products.h"

#include <unordered_map>

#include "core/cpu/operand.h"
#include "core/cpu/tile_multiplier.h"

namespace causeway::cpu {

struct Products::Plan {
  TileGrid grid;
  TileTarget target;
  bool has_epilogue;
  EpilogueKind epilogue;
  std::unique_ptr<TileMultiplier> multiplier;
};

struct Products::Key {
  int64_t dims[7];  // M, N, K, strides of a, b, y, pre
  uint32_t flags;
  bool operator==(const Key&) const = default;

  explicit Key(const Matmul& op)
      : dims{op.y.shape[0],
             op.y.shape[1],
             depth_of(op),
             op.a.stride[0],
             op.b.stride[0],
             op.y.stride[0],
             op.pre ? op.pre.stride[0] : 0} {
    flags = static_cast<uint32_t>(op.a.dtype);
    for (const uint32_t field :
         {static_cast<uint32_t>(op.y.dtype), static_cast<uint32_t>(op.a_transpose),
          static_cast<uint32_t>(op.b_transpose), static_cast<uint32_t>(op.mode),
          static_cast<uint32_t>(op.epilogue), static_cast<uint32_t>(bool(op.bias))})
      flags = flags << 3 | field;
  }
  static int64_t depth_of(const Matmul& op) {
    return op.a.shape[op.a_transpose == Transpose::Yes ? 0 : 1];
  }
};

struct Products::KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t hash = key.flags;
    for (const int64_t d : key.dims) {
      hash = (hash ^ static_cast<uint64_t>(d)) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    }
    return hash;
  }
};

struct Products::Cache {
  std::unordered_map<Key, std::unique_ptr<Plan>, KeyHash> plans;
};

Products::Products(const Kernels& kernels, Pool& pool, Scratch& scratch, Bf16 bf16)
    : kernels_(kernels),
      pool_(pool),
      scratch_(scratch),
      bf16_(bf16),
      cache_(std::make_unique<Cache>()) {}

Products::~Products() = default;

const Products::Plan& Products::plan(const Matmul& op) {
  auto& slot = cache_->plans[Key(op)];
  if (!slot) slot = make_plan(op);
  return *slot;
}

namespace {

/// Where a product goes that needs no scratch.
const Tensor& target_of(const Matmul& op) { return op.epilogue == Epilogue::Gelu ? op.pre : op.y; }

EpilogueKind epilogue_of(const Matmul& op) {
  switch (op.epilogue) {
    case Epilogue::Gelu:
      return EpilogueKind::Gelu;
    case Epilogue::GeluBackward:
      return EpilogueKind::GeluBackward;
    case Epilogue::None:
      break;
  }
  return op.mode == GradMode::Accumulate ? EpilogueKind::Accumulate : EpilogueKind::Plain;
}

}  // namespace

std::unique_ptr<Products::Plan> Products::make_plan(const Matmul& op) {
  const bool bf16_in = op.a.dtype == DType::BF16, bf16_out = op.y.dtype == DType::BF16;
  const bool tile_unit = bf16_in && bf16_ == Bf16::TileUnit;
  const bool widen = bf16_in && bf16_ == Bf16::Widened;
  const bool accumulate = op.mode == GradMode::Accumulate;
  const bool plain = op.epilogue == Epilogue::None && !op.bias && !accumulate;
  const int64_t depth = Key::depth_of(op);

  auto plan = std::make_unique<Plan>();
  plan->grid = tile_unit ? cut_tiles_for_tile_unit(op.y.shape[0], op.y.shape[1])
                         : cut_tiles(op.y.shape[0], op.y.shape[1]);
  // A bf16 product is rounded once: by oneDNN if nothing follows, else by the epilogue.
  const bool whole_blocks =
      op.y.shape[0] % kProductBlock == 0 && op.y.shape[1] % kProductBlock == 0;
  const bool in_scratch = tile_unit ? bf16_out || !whole_blocks : bf16_out && (widen || !plain);
  plan->epilogue = epilogue_of(op);
  plan->has_epilogue = in_scratch || op.bias || op.epilogue != Epilogue::None;
  plan->target = {.in_scratch = in_scratch,
                  .dtype = in_scratch ? DType::F32 : op.y.dtype,
                  .stride = in_scratch ? round_up(plan->grid.tile_cols, kProductBlock)
                                       : target_of(op).stride[0],
                  .accumulate = accumulate && !in_scratch};
  if (tile_unit)
    plan->multiplier = multiply_in_tile_unit(kernels_, plan->grid, depth, plan->target);
  else if (widen)
    plan->multiplier = multiply_widened(kernels_, plan->grid, depth, plan->target);
  else if (bf16_in)
    plan->multiplier = multiply_bf16(op, plan->grid, depth, plan->target, pool_.threads());
  else
    plan->multiplier = multiply_f32(plan->grid, depth, plan->target);
  return plan;
}

void Products::prepare(const Matmul& op) {
  if (op.y.numel() == 0) return;
  const TileMultiplier& multiplier = *plan(op).multiplier;
  scratch_.reserve(multiplier.slot_bytes(), multiplier.shared_bytes());
  library_bytes_per_thread_ = std::max(library_bytes_per_thread_, multiplier.library_bytes());
}

void Products::run(const Matmul& op) {
  if (op.y.numel() == 0) return;
  const Plan& p = plan(op);
  const int64_t down = p.grid.down(), across = p.grid.across();
  const int64_t together = p.multiplier->columns_together();
  for (int64_t begin = 0; begin < across; begin += together) {
    const int64_t end = std::min(across, begin + together);
    p.multiplier->pack(op, begin, end, pool_, scratch_.shared<char>());
    pool_.run((end - begin) * down, [&](int64_t i, int slot) {
      run_tile(op, p, tile_at(p.grid, begin * down + i), slot);
    });
  }
}

void Products::run_tile(const Matmul& op, const Plan& plan, const Tile& tile, int slot) {
  const auto finish = [&](int64_t row, int64_t rows, const void* product) {
    if (!plan.has_epilogue) return;
    kernels_.epilogue[static_cast<int>(plan.epilogue)][op.y.dtype == DType::BF16](
        {.rows = rows,
         .cols = tile.cols,
         .product = static_cast<const float*>(product),
         .product_stride = plan.target.stride,
         .y = address(op.y, tile.row + row, tile.col),
         .y_stride = op.y.stride[0],
         .pre = address(op.pre, tile.row + row, tile.col),
         .pre_stride = op.pre ? op.pre.stride[0] : 0,
         .bias = address(op.bias, 0, tile.col)});
  };
  plan.multiplier->multiply(op, tile, address(target_of(op), tile.row, tile.col),
                            {scratch_.shared<char>(), scratch_.slot<char>(slot), slot}, finish);
  if (op.d_bias && tile.col == 0) sum_rows(op, kernels_, tile, Key::depth_of(op));
}

}  // namespace causeway::cpu
