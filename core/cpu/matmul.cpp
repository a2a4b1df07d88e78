// Matrix products by oneDNN, one tile at a time, each on one thread; the only file that knows it.
//   f32: dnnl_sgemm per tile. bf16 in hardware: one matmul primitive per tile shape. bf16
//   elsewhere: operand tiles are widened to f32 slab by slab, then dnnl_sgemm.
// Read next: products.cpp.
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "core/cpu/tile_multiplier.h"
#include "core/error.h"

// oneDNN is built with OpenMP; this is all we need of it.
extern "C" void omp_set_num_threads(int);

namespace causeway::cpu {
namespace {

/// Depth of one slab of widened operands.
constexpr int64_t kSlab = 512;

/// oneDNN's f32 product packs slabs of both operands, at most this deep, in memory that it
/// allocates itself (it takes no scratchpad, neither as dnnl_sgemm nor as a matmul primitive).
constexpr int64_t kPackedDepth = 768;

/// Before oneDNN is called, on each thread. It asks OpenMP how many threads it may start, when it
/// plans and when it runs; here each thread is one of ours and works alone.
void one_thread_per_product() {
  static thread_local const bool said = (omp_set_num_threads(1), true);
  (void)said;
}

const dnnl::engine& engine() {
  static const dnnl::engine cpu = [] {
    dnnl::set_primitive_cache_capacity(0);  // plans are the cache; oneDNN's would keep all twice
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return cpu;
}
const dnnl::stream& stream() {
  static thread_local const dnnl::stream of_this_thread(engine());
  return of_this_thread;
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

/// C (+)= A · B on f32, all row-major.
void sgemm(const Matmul& op, bool a_transposed, bool b_transposed, const Tile& t, int64_t depth,
           const float* a, int64_t a_stride, const float* b, int64_t b_stride, float* y,
           int64_t y_stride, bool accumulate) {
  demand(dnnl_sgemm(a_transposed ? 'T' : 'N', b_transposed ? 'T' : 'N', t.rows, t.cols, depth, 1.0f,
                    a, a_stride, b, b_stride, accumulate ? 1.0f : 0.0f, y, y_stride),
         op);
}

/// A multiplier that makes a whole tile before it is finished.
class ByOneDnn : public TileMultiplier {
 public:
  using TileMultiplier::TileMultiplier;
  size_t slot_bytes() const final { return tile_bytes() + operand_bytes(); }
  void multiply(const Matmul& op, const Tile& tile, char* to, const Memory& memory,
                const Finish& finish) const final {
    one_thread_per_product();
    char* const product = target_.in_scratch ? memory.own : to;
    multiply_tile(op, tile, product, memory.own + tile_bytes(), memory.slot);
    finish(0, tile.rows, product);
  }

 protected:
  virtual size_t operand_bytes() const = 0;
  virtual void multiply_tile(const Matmul& op, const Tile& tile, void* product, void* memory,
                             int slot) const = 0;
  size_t packed_bytes() const {
    return (grid_.tile_rows + grid_.tile_cols) * std::min(depth_, kPackedDepth) * sizeof(float);
  }

 private:
  size_t tile_bytes() const {
    return target_.in_scratch ? grid_.tile_rows * target_.stride * sizeof(float) : 0;
  }
};

class F32 final : public ByOneDnn {
 public:
  using ByOneDnn::ByOneDnn;
  size_t library_bytes() const override { return packed_bytes(); }

 private:
  size_t operand_bytes() const override { return 0; }
  void multiply_tile(const Matmul& op, const Tile& tile, void* product, void*, int) const override {
    const Operand a(op.a, op.a_transpose), b(op.b, op.b_transpose);
    sgemm(op, a.transposed, b.transposed, tile, depth_,
          reinterpret_cast<const float*>(a.at(tile.row, 0)), a.stride,
          reinterpret_cast<const float*>(b.at(0, tile.col)), b.stride, static_cast<float*>(product),
          target_.stride, target_.accumulate);
  }
};

class Widened final : public ByOneDnn {
 public:
  Widened(const Kernels& kernels, const TileGrid& grid, int64_t depth, const TileTarget& target)
      : ByOneDnn(grid, depth, target), kernels_(kernels) {}
  size_t library_bytes() const override { return packed_bytes(); }

 private:
  size_t operand_bytes() const override {
    return (grid_.tile_rows + grid_.tile_cols) * std::min(kSlab, depth_) * sizeof(float);
  }
  void multiply_tile(const Matmul& op, const Tile& tile, void* product, void* memory,
                     int) const override {
    const Operand a(op.a, op.a_transpose), b(op.b, op.b_transpose);
    float* a_slab = static_cast<float*>(memory);
    float* b_slab = a_slab + tile.rows * std::min(kSlab, depth_);
    for (int64_t k = 0; k < depth_; k += kSlab) {
      const int64_t n = std::min(kSlab, depth_ - k);
      const int64_t a_stride = widen_block(kernels_, a, tile.row, k, tile.rows, n, a_slab);
      const int64_t b_stride = widen_block(kernels_, b, k, tile.col, n, tile.cols, b_slab);
      sgemm(op, a.transposed, b.transposed, tile, n, a_slab, a_stride, b_slab, b_stride,
            static_cast<float*>(product), target_.stride, target_.accumulate || k > 0);
    }
  }

  const Kernels& kernels_;
};

/// One tile shape of a bf16 product, with the views every thread points at its tiles.
struct Primitive {
  struct Views {
    dnnl::memory a, b, y, scratchpad;
  };
  dnnl::matmul matmul;
  size_t scratchpad_bytes = 0;
  std::vector<Views> views;  // by slot
};

dnnl::memory::desc describe(const Operand& m, int64_t rows, int64_t cols) {
  return dnnl::memory::desc(
      {rows, cols}, dnnl::memory::data_type::bf16,
      m.transposed ? dnnl::memory::dims{1, m.stride} : dnnl::memory::dims{m.stride, 1});
}

Primitive build(const Matmul& op, const Tile& tile, int64_t depth, const TileTarget& target,
                int slots) {
  const auto dtype =
      target.dtype == DType::BF16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
  const dnnl::memory::desc a = describe({op.a, op.a_transpose}, tile.rows, depth);
  const dnnl::memory::desc b = describe({op.b, op.b_transpose}, depth, tile.cols);
  const dnnl::memory::desc y({tile.rows, tile.cols}, dtype, {target.stride, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (target.accumulate) {
    dnnl::post_ops ops;
    ops.append_sum(1.0f);
    attributes.set_post_ops(ops);
  }
  const dnnl::matmul::primitive_desc desc({a, b, y}, attributes, engine());
  Primitive primitive{.matmul = dnnl::matmul(desc),
                      .scratchpad_bytes = desc.scratchpad_desc().get_size(),
                      .views = {}};
  for (int slot = 0; slot < slots; ++slot)
    primitive.views.push_back({dnnl::memory(a, engine(), nullptr),
                               dnnl::memory(b, engine(), nullptr),
                               dnnl::memory(y, engine(), nullptr),
                               dnnl::memory(desc.scratchpad_desc(), engine(), nullptr)});
  return primitive;
}

class HardwareBf16 final : public ByOneDnn {
 public:
  HardwareBf16(const Matmul& op, const TileGrid& grid, int64_t depth, const TileTarget& target,
               int slots)
      : ByOneDnn(grid, depth, target) {
    for (const int64_t i : {int64_t{0}, grid.down() - 1})
      for (const int64_t j : {int64_t{0}, grid.across() - 1}) {
        const Tile tile = tile_at(grid, j * grid.down() + i);
        Primitive& p = primitives_[is_last_row(tile)][is_last_col(tile)];
        if (p.views.empty()) p = build(op, tile, depth, target, slots);
        bytes_ = std::max(bytes_, p.scratchpad_bytes);
      }
  }

 private:
  size_t operand_bytes() const override { return bytes_; }
  void multiply_tile(const Matmul& op, const Tile& tile, void* product, void* memory,
                     int slot) const override {
    const Primitive& primitive = primitives_[is_last_row(tile)][is_last_col(tile)];
    // The C call takes a plain array; the C++ one would copy a hash map for every tile.
    const Primitive::Views& v = primitive.views[slot];
    v.a.set_data_handle(Operand(op.a, op.a_transpose).at(tile.row, 0));
    v.b.set_data_handle(Operand(op.b, op.b_transpose).at(0, tile.col));
    v.y.set_data_handle(product);
    v.scratchpad.set_data_handle(memory);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, v.a.get()},
                                    {DNNL_ARG_WEIGHTS, v.b.get()},
                                    {DNNL_ARG_DST, v.y.get()},
                                    {DNNL_ARG_SCRATCHPAD, v.scratchpad.get()}};
    demand(dnnl_primitive_execute(primitive.matmul.get(), stream().get(), 4, args), op);
  }
  bool is_last_row(const Tile& tile) const { return tile.row + tile.rows == grid_.rows; }
  bool is_last_col(const Tile& tile) const { return tile.col + tile.cols == grid_.cols; }

  Primitive primitives_[2][2];  // by whether it is a last row of tiles, a last column
  size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<TileMultiplier> multiply_f32(const TileGrid& grid, int64_t depth,
                                             const TileTarget& target) {
  return std::make_unique<F32>(grid, depth, target);
}
std::unique_ptr<TileMultiplier> multiply_widened(const Kernels& kernels, const TileGrid& grid,
                                                 int64_t depth, const TileTarget& target) {
  return std::make_unique<Widened>(kernels, grid, depth, target);
}
std::unique_ptr<TileMultiplier> multiply_bf16(const Matmul& op, const TileGrid& grid, int64_t depth,
                                              const TileTarget& target, int slots) {
  one_thread_per_product();
  try {
    return std::make_unique<HardwareBf16>(op, grid, depth, target, slots);
  } catch (const dnnl::error& e) {
    demand(e.status, op);
    throw;
  }
}

}  // namespace causeway::cpu
