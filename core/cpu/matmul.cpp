// Matrix products by oneDNN, one tile at a time, each on one thread. See matmul.h.
//   f32: dnnl_sgemm per tile. bf16 in hardware: one matmul primitive per tile shape, kept in a
//   plan. bf16 elsewhere: operand tiles are widened to f32 slab by slab, then dnnl_sgemm.
// Read next: kernels/epilogues.cpp.
#include "core/cpu/matmul.h"

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "core/cpu/operand.h"
#include "core/cpu/tiles.h"

// oneDNN is built with OpenMP; this is all we need of it.
extern "C" void omp_set_num_threads(int);

namespace causeway::cpu {
namespace {

/// Depth of one slab of widened operands.
constexpr int64_t kSlab = 512;

/// oneDNN's f32 product packs slabs of both operands, at most this deep, in memory that it
/// allocates itself (it takes no scratchpad, neither as dnnl_sgemm nor as a matmul primitive).
constexpr int64_t kPackedDepth = 768;

/// oneDNN asks OpenMP how many threads it may start, when it plans and when it runs. Here each
/// thread is one of ours and works alone. (A thread_local in OpenMP, so every thread has to say so
/// once.)
void one_thread_per_product() {
  static thread_local const bool said = (omp_set_num_threads(1), true);
  (void)said;
}

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

void demand(dnnl_status_t status, const Matmul& op) {
  if (status == dnnl_success) [[likely]]
    return;
  throw Error({.id = "device.onednn",
               .where = "",
               .what = fmt::format("[matmul] oneDNN failed with status {} on a {}, b {}",
                                   static_cast<int>(status), to_string(op.a), to_string(op.b)),
               .remedy = "please report it with the output of causeway doctor"});
}

/// One tile shape of a bf16 product, with the views every thread points at its tiles.
struct Primitive {
  struct Views {
    dnnl::memory a, b, y, scratchpad;
  };
  dnnl::matmul matmul;
  size_t scratchpad_bytes = 0;
  std::vector<Views> views;  // by slot
};

/// Where a tile's product goes before its epilogue.
enum class Into : uint8_t {
  Target,   ///< y itself, or pre for Gelu
  Scratch,  ///< an f32 tile of the thread's scratch memory
};

}  // namespace

struct Products::Plan {
  TileGrid grid;
  int64_t depth;
  Into into;
  bool widen;             ///< bf16 operands for dnnl_sgemm
  bool gemm_accumulates;  ///< GradMode::Accumulate is done by the product, not by the epilogue
  EpilogueKind epilogue;
  bool has_epilogue;
  Primitive primitives[2][2];  ///< [last row of tiles][last column]; bf16 in hardware only
  size_t slot_bytes = 0;       ///< scratch: product tile, then operand slabs or scratchpad
};

struct Products::Key {
  int64_t dims[7];  // M, N, K, strides of a, b, y, pre
  uint32_t flags;
  bool operator==(const Key&) const = default;

  explicit Key(const Matmul& op)
      : dims{op.y.shape[0],
             op.y.shape[1],
             op.a.shape[op.a_transpose == Transpose::Yes ? 0 : 1],
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
  std::vector<dnnl::stream> streams;  // by slot
};

Products::Products(const Kernels& kernels, Pool& pool, Scratch& scratch, Bf16 bf16)
    : kernels_(kernels),
      pool_(pool),
      scratch_(scratch),
      bf16_(bf16),
      cache_(std::make_unique<Cache>()) {
  one_thread_per_product();
  dnnl::set_primitive_cache_capacity(0);  // plans are the cache; oneDNN's would keep all twice
  for (int slot = 0; slot < pool.threads(); ++slot) cache_->streams.emplace_back(engine());
}

Products::~Products() = default;

const Products::Plan& Products::plan(const Matmul& op) {
  auto& slot = cache_->plans[Key(op)];
  if (!slot) {
    try {
      slot = make_plan(op);
    } catch (const dnnl::error& e) {
      demand(e.status, op);
    }
  }
  return *slot;
}

namespace {

dnnl::memory::desc describe(const Operand& m, int64_t rows, int64_t cols) {
  return dnnl::memory::desc(
      {rows, cols}, dnnl::memory::data_type::bf16,
      m.transposed ? dnnl::memory::dims{1, m.stride} : dnnl::memory::dims{m.stride, 1});
}

void build(Primitive& primitive, const Matmul& op, const Tile& tile, int64_t depth,
           dnnl::memory::desc y, bool accumulate, int slots) {
  const dnnl::memory::desc a = describe({op.a, op.a_transpose}, tile.rows, depth);
  const dnnl::memory::desc b = describe({op.b, op.b_transpose}, depth, tile.cols);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate) {
    dnnl::post_ops ops;
    ops.append_sum(1.0f);
    attributes.set_post_ops(ops);
  }
  const dnnl::matmul::primitive_desc desc({a, b, y}, attributes, engine());
  primitive.matmul = dnnl::matmul(desc);
  primitive.scratchpad_bytes = desc.scratchpad_desc().get_size();
  for (int slot = 0; slot < slots; ++slot)
    primitive.views.push_back({dnnl::memory(a, engine(), nullptr),
                               dnnl::memory(b, engine(), nullptr),
                               dnnl::memory(y, engine(), nullptr),
                               dnnl::memory(desc.scratchpad_desc(), engine(), nullptr)});
}

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
  auto plan = std::make_unique<Plan>();
  const bool bf16_in = op.a.dtype == DType::BF16, bf16_out = op.y.dtype == DType::BF16;
  plan->grid = cut_tiles(op.y.shape[0], op.y.shape[1]);
  plan->depth = op.a.shape[op.a_transpose == Transpose::Yes ? 0 : 1];
  plan->widen = bf16_in && bf16_ == Bf16::Widened;
  plan->epilogue = epilogue_of(op);
  const bool accumulate = op.mode == GradMode::Accumulate;
  const bool plain = op.epilogue == Epilogue::None && !op.bias && !accumulate;
  // A bf16 product is rounded once: by the primitive if nothing follows, else by the epilogue.
  plan->into = bf16_out && (plan->widen || !plain) ? Into::Scratch : Into::Target;
  plan->gemm_accumulates = accumulate && plan->into == Into::Target;
  plan->has_epilogue = plan->into == Into::Scratch || op.bias || op.epilogue != Epilogue::None;

  const TileGrid& g = plan->grid;
  size_t bytes = plan->into == Into::Scratch ? g.tile_rows * g.tile_cols * sizeof(float) : 0;
  if (plan->widen)
    bytes += (g.tile_rows + g.tile_cols) * std::min(kSlab, plan->depth) * sizeof(float);
  if (bf16_in && !plan->widen) {
    const bool to_bf16 = bf16_out && plan->into == Into::Target;
    const auto dtype = to_bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
    const int64_t stride = plan->into == Into::Scratch ? g.tile_cols : op.y.stride[0];
    size_t most = 0;
    for (const int64_t i : {int64_t{0}, g.down() - 1})
      for (const int64_t j : {int64_t{0}, g.across() - 1}) {
        const Tile tile = tile_at(g, j * g.down() + i);
        Primitive& p = plan->primitives[i == g.down() - 1][j == g.across() - 1];
        if (!p.views.empty()) continue;
        build(p, op, tile, plan->depth, {{tile.rows, tile.cols}, dtype, {stride, 1}},
              plan->gemm_accumulates, pool_.threads());
        most = std::max(most, p.scratchpad_bytes);
      }
    bytes += most;
  }
  plan->slot_bytes = bytes;
  return plan;
}

void Products::prepare(const Matmul& op) {
  if (op.y.numel() == 0) return;
  one_thread_per_product();
  const Plan& p = plan(op);
  scratch_.reserve(p.slot_bytes, 0);
  if (op.a.dtype == DType::BF16 && !p.widen) return;
  const int64_t depth = std::min(p.depth, kPackedDepth);
  const size_t packed = (p.grid.tile_rows + p.grid.tile_cols) * depth * sizeof(float);
  library_bytes_per_thread_ = std::max(library_bytes_per_thread_, packed);
}

void Products::run(const Matmul& op) {
  if (op.y.numel() == 0) return;
  one_thread_per_product();
  const Plan& p = plan(op);
  pool_.run(p.grid.count(), [&](int64_t tile, int slot) {
    one_thread_per_product();
    run_tile(op, p, tile, slot);
  });
}

namespace {

/// C (+)= A · B on f32, all row-major.
void sgemm(const Matmul& op, bool a_transposed, bool b_transposed, const Tile& t, int64_t depth,
           const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* y,
           int64_t y_stride, bool accumulate) {
  demand(dnnl_sgemm(a_transposed ? 'T' : 'N', b_transposed ? 'T' : 'N', t.rows, t.cols, depth, 1.0f,
                    a, a_stride, b, b_stride, accumulate ? 1.0f : 0.0f, y, y_stride),
         op);
}

void widened_product(const Matmul& op, const Kernels& kernels, const Tile& tile, int64_t depth,
                     float* y, int64_t y_stride, bool accumulate, float* slabs) {
  const Operand a(op.a, op.a_transpose), b(op.b, op.b_transpose);
  float* b_slab = slabs + tile.rows * std::min(kSlab, depth);
  for (int64_t k = 0; k < depth; k += kSlab) {
    const int64_t n = std::min(kSlab, depth - k);
    const int64_t a_stride = widen_block(kernels, a, tile.row, k, tile.rows, n, slabs);
    const int64_t b_stride = widen_block(kernels, b, k, tile.col, n, tile.cols, b_slab);
    sgemm(op, a.transposed, b.transposed, tile, n, slabs, a_stride, b_slab, b_stride, y, y_stride,
          accumulate || k > 0);
  }
}

void native_product(const Matmul& op, const Primitive& primitive, const Tile& tile, void* y,
                    void* scratchpad, const dnnl::stream& stream, int slot) {
  // The C call takes a plain array; the C++ one would copy a hash map for every tile.
  const Primitive::Views& v = primitive.views[slot];
  v.a.set_data_handle(Operand(op.a, op.a_transpose).at(tile.row, 0));
  v.b.set_data_handle(Operand(op.b, op.b_transpose).at(0, tile.col));
  v.y.set_data_handle(y);
  v.scratchpad.set_data_handle(scratchpad);
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, v.a.get()},
                                  {DNNL_ARG_WEIGHTS, v.b.get()},
                                  {DNNL_ARG_DST, v.y.get()},
                                  {DNNL_ARG_SCRATCHPAD, v.scratchpad.get()}};
  demand(dnnl_primitive_execute(primitive.matmul.get(), stream.get(), 4, args), op);
}

}  // namespace

void Products::run_tile(const Matmul& op, const Plan& plan, int64_t index, int slot) {
  const Tile tile = tile_at(plan.grid, index);
  const Tensor& target = op.epilogue == Epilogue::Gelu ? op.pre : op.y;
  float* scratch = scratch_.slot(slot);
  const bool in_scratch = plan.into == Into::Scratch;
  char* product =
      in_scratch ? reinterpret_cast<char*>(scratch) : address(target, tile.row, tile.col);
  const int64_t stride = in_scratch ? plan.grid.tile_cols : target.stride[0];
  float* rest = scratch + (in_scratch ? plan.grid.tile_rows * plan.grid.tile_cols : 0);

  if (plan.widen) {
    widened_product(op, kernels_, tile, plan.depth, reinterpret_cast<float*>(product), stride,
                    plan.gemm_accumulates, rest);
  } else if (op.a.dtype == DType::BF16) {
    const bool last_row = tile.row + tile.rows == op.y.shape[0];
    const bool last_col = tile.col + tile.cols == op.y.shape[1];
    native_product(op, plan.primitives[last_row][last_col], tile, product, rest,
                   cache_->streams[slot], slot);
  } else {
    const Operand a(op.a, op.a_transpose), b(op.b, op.b_transpose);
    sgemm(op, a.transposed, b.transposed, tile, plan.depth,
          reinterpret_cast<float*>(a.at(tile.row, 0)), a.stride,
          reinterpret_cast<float*>(b.at(0, tile.col)), b.stride, reinterpret_cast<float*>(product),
          stride, plan.gemm_accumulates);
  }
  if (plan.has_epilogue)
    kernels_.epilogue[static_cast<int>(plan.epilogue)][op.y.dtype == DType::BF16](
        {.rows = tile.rows,
         .cols = tile.cols,
         .product = reinterpret_cast<const float*>(product),
         .product_stride = stride,
         .y = address(op.y, tile.row, tile.col),
         .y_stride = op.y.stride[0],
         .pre = address(op.pre, tile.row, tile.col),
         .pre_stride = op.pre ? op.pre.stride[0] : 0,
         .bias = address(op.bias, 0, tile.col)});
  if (op.d_bias && tile.col == 0) sum_rows(op, kernels_, tile, plan.depth);
}

}  // namespace causeway::cpu
