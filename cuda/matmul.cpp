// cuBLASLt: plans, cached per shape, and their execution. The library is column-major, so it
// computes yᵀ (N, M) = op(b)ᵀ · op(a)ᵀ: its A is our b, its B our a, its D our y, each stored as it
// is. The bias gradient is not left to its BGRADB epilogue, which cannot accumulate: columns.cuh
// sums it. Read next: cublaslt.h, gemm_table.h.
#include "cuda/matmul.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <utility>

#include "core/error.h"
#include "core/product.h"
#include "cuda/cublaslt.h"
#include "cuda/launches.h"

namespace causeway::cuda {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;

/// Bytes to which an address is aligned, up to 256.
uint32_t alignment(const Tensor& t) {
  const auto address = reinterpret_cast<uintptr_t>(t.data) | 256;
  return static_cast<uint32_t>(address & -address);
}

cublasLtEpilogue_t epilogue(const Matmul& op) {
  const bool bias = static_cast<bool>(op.bias);
  switch (op.epilogue) {
    case Epilogue::None:
      return bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    case Epilogue::Gelu:
      return bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX;
    case Epilogue::GeluBackward:
      return CUBLASLT_EPILOGUE_DGELU;
  }
  return CUBLASLT_EPILOGUE_DEFAULT;
}

/// The library wants rows of `pre` in multiples of eight, from 16 bytes on.
bool can_fuse(const Matmul& op) {
  return op.epilogue == Epilogue::None || (op.pre.stride[0] % 8 == 0 && alignment(op.pre) >= 16);
}

struct Plan {
  Description description;
  Layout a, b, y;
  cublasLtMatmulAlgo_t algorithm{};
};

/// A row of the table knows nothing of addresses: 16 bytes are all that any kernel asks for.
bool is_tunable(const Matmul& op) {
  return op.y.numel() > 0 && std::min({alignment(op.y), alignment(op.a), alignment(op.b),
                                       alignment(op.bias), alignment(op.pre)}) >= 16;
}

/// What a plan depends on.
using Key = std::array<int64_t, 19>;
Key key_of(const Matmul& op) {
  return {op.y.shape[0],
          op.y.shape[1],
          op.a.shape[op.a_transpose == Transpose::No],
          op.y.stride[0],
          op.a.stride[0],
          op.b.stride[0],
          op.pre ? op.pre.stride[0] : 0,
          static_cast<int64_t>(op.a.dtype),
          static_cast<int64_t>(op.y.dtype),
          static_cast<int64_t>(op.a_transpose),
          static_cast<int64_t>(op.b_transpose),
          static_cast<int64_t>(op.mode),
          static_cast<int64_t>(op.epilogue),
          static_cast<bool>(op.bias),
          alignment(op.y),
          alignment(op.a),
          alignment(op.b),
          alignment(op.bias),
          alignment(op.pre)};
}

Description describe(const Matmul& op) {
  cublasLtMatmulDesc_t handle = nullptr;
  require(cublasLtMatmulDescCreate(&handle, CUBLAS_COMPUTE_32F, CUDA_R_32F), "description");
  Description d(handle);
  const auto transposed = [](Transpose t) {
    return t == Transpose::Yes ? CUBLAS_OP_T : CUBLAS_OP_N;
  };
  set(d, CUBLASLT_MATMUL_DESC_TRANSA, transposed(op.b_transpose));
  set(d, CUBLASLT_MATMUL_DESC_TRANSB, transposed(op.a_transpose));
  set(d, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue(op));
  if (op.epilogue != Epilogue::None)
    set(d, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, int64_t{op.pre.stride[0]});
  return d;
}

void set_pointers(const Description& d, const Matmul& op) {
  if (op.bias) set(d, CUBLASLT_MATMUL_DESC_BIAS_POINTER, op.bias.data);
  if (op.epilogue != Epilogue::None) set(d, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, op.pre.data);
}

/// Split sums are added up in fixed order, from the workspace; in place they would race.
constexpr uint32_t kReductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;

Preference preference(const Matmul& op) {
  cublasLtMatmulPreference_t handle = nullptr;
  require(cublasLtMatmulPreferenceCreate(&handle), "preference");
  Preference p(handle);
  set(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{kWorkspace});
  set(p, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, kReductions);
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(op.b));
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(op.a));
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(op.y));
  // An epilogue reads its vector and its matrix as it writes d: pack by pack.
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
      std::min({alignment(op.y), alignment(op.bias), alignment(op.pre)}));
  return p;
}

/// The product and its epilogue in two launches, for shapes that the library cannot fuse.
Matmul product_alone(const Matmul& op) {
  Matmul product = op;
  product.epilogue = Epilogue::None;
  product.pre = {};
  if (op.epilogue == Epilogue::Gelu) product.y = op.pre;
  return product;
}
/// What the library computes of `op`.
Matmul product_of(const Matmul& op) { return can_fuse(op) ? op : product_alone(op); }
void epilogue_alone(const Matmul& op, cudaStream_t stream) {
  if (op.epilogue == Epilogue::Gelu)
    activation_forward(Activation::Gelu, op.y, op.pre, stream);
  else
    activation_backward(Activation::Gelu, op.y, op.y, op.pre, stream);
}

void require_dense(const Matmul& op) {
  if (op.y.contiguous() && op.pre.contiguous()) return;
  throw Error({.id = "op.unsupported",
               .where = "",
               .what = fmt::format("[matmul] expected y and pre dense, or rows of pre in multiples "
                                   "of 8, with an epilogue on CUDA, got y {} and pre {}",
                                   to_string(op.y), to_string(op.pre)),
               .remedy = "give pre rows of a multiple of eight elements"});
}

}  // namespace

struct Products::Plans {
  Library library;
  std::map<Key, Plan> plans;
  const GemmTable table = committed_gemm_table();
  const std::string gpu = device_name(), version = Products::library();
  std::vector<std::string> warnings;

  Plans() {
    cublasLtHandle_t handle = nullptr;
    require(cublasLtCreate(&handle), "cuBLASLt");
    library.reset(handle);
  }

  Plan& plan(const Matmul& op) {
    const auto [at, fresh] = plans.try_emplace(key_of(op));
    if (!fresh) return at->second;
    try {
      at->second = make_plan(op);
    } catch (...) {
      plans.erase(at);
      throw;
    }
    return at->second;
  }

  GemmKey key(const Matmul& op) const {
    return {.gpu = gpu, .library = version, .product = product_name(op)};
  }

  /// The table's algorithm, or the heuristic's first: nothing is timed, so a run never depends on a
  /// race of clocks.
  Plan make_plan(const Matmul& op) {
    Plan plan{.description = describe(op), .a = layout(op.b), .b = layout(op.a), .y = layout(op.y)};
    if (const GemmAlgorithm* const row = is_tunable(op) ? table.find(key(op)) : nullptr) {
      plan.algorithm = std::bit_cast<cublasLtMatmulAlgo_t>(*row);
      if (accepts(plan)) return plan;
      warnings.push_back(
          fmt::format("{} refuses the row of cuda/gemm_table.tsv for {}, and takes "
                      "its own first choice",
                      version, product_name(op)));
    }
    plan.algorithm = heuristics(op, plan, 1)[0];
    return plan;
  }

  /// Whether the library can run the plan's algorithm, in our workspace and with equal bits.
  bool accepts(const Plan& plan) const {
    uint32_t reduction = 0;
    size_t written = 0;
    cublasLtMatmulHeuristicResult_t checked{};
    return cublasLtMatmulAlgoConfigGetAttribute(
               &plan.algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &reduction, sizeof reduction,
               &written) == CUBLAS_STATUS_SUCCESS &&
           (reduction & ~kReductions) == 0 &&
           cublasLtMatmulAlgoCheck(library.get(), plan.description.get(), plan.a.get(),
                                   plan.b.get(), plan.y.get(), plan.y.get(), &plan.algorithm,
                                   &checked) == CUBLAS_STATUS_SUCCESS &&
           checked.workspaceSize <= kWorkspace;
  }

  /// At least one.
  std::vector<cublasLtMatmulAlgo_t> heuristics(const Matmul& op, const Plan& plan, int most) const {
    const Preference wishes = preference(op);
    std::vector<cublasLtMatmulHeuristicResult_t> found(most);
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        library.get(), plan.description.get(), plan.a.get(), plan.b.get(), plan.y.get(),
        plan.y.get(), wishes.get(), most, found.data(), &count);
    if (status != CUBLAS_STATUS_SUCCESS || count == 0)
      throw Error({.id = "op.unsupported",
                   .where = "",
                   .what = fmt::format("[matmul] cuBLASLt knows no way for y {}, a {}, b {}: {}",
                                       to_string(op.y), to_string(op.a), to_string(op.b),
                                       cublasLtGetStatusString(status)),
                   .remedy = "sizes in multiples of 8 are served on every GPU"});
    std::vector<cublasLtMatmulAlgo_t> algorithms;
    for (int i = 0; i < count; ++i)
      if (found[i].state == CUBLAS_STATUS_SUCCESS) algorithms.push_back(found[i].algo);
    return algorithms;
  }

  void execute(const Matmul& op, void* workspace, cudaStream_t stream) {
    const Plan& p = plan(op);
    set_pointers(p.description, op);
    const float alpha = 1, beta = op.mode == GradMode::Accumulate ? 1 : 0;
    require(cublasLtMatmul(library.get(), p.description.get(), &alpha, op.b.data, p.a.get(),
                           op.a.data, p.b.get(), &beta, op.y.data, p.y.get(), op.y.data, p.y.get(),
                           &p.algorithm, workspace, kWorkspace, stream),
            "cublasLtMatmul");
  }
};

Products::Products() : plans_(std::make_unique<Plans>()) {}
Products::~Products() = default;

size_t Products::workspace_bytes() { return kWorkspace; }

std::string Products::library() {
  const size_t v = cublasLtGetVersion();
  return fmt::format("cuBLASLt {}.{}.{}", v / 10000, v / 100 % 100, v % 100);
}

void Products::prepare(const Matmul& op) {
  if (op.y.numel() == 0) return;
  if (can_fuse(op)) return void(plans_->plan(op));
  require_dense(op);
  plans_->plan(product_alone(op));
}

void Products::run(const Matmul& op, void* workspace, cudaStream_t stream) {
  if (op.y.numel() == 0) return;
  if (can_fuse(op)) return plans_->execute(op, workspace, stream);
  plans_->execute(product_alone(op), workspace, stream);
  epilogue_alone(op, stream);
}

std::vector<GemmAlgorithm> Products::algorithms(const Matmul& op, int most) {
  const Matmul product = product_of(op);
  if (!is_tunable(product)) return {};
  std::vector<GemmAlgorithm> list;
  for (const auto& algorithm : plans_->heuristics(product, plans_->plan(product), most))
    list.push_back(std::bit_cast<GemmAlgorithm>(algorithm));
  return list;
}

bool Products::use(const Matmul& op, const GemmAlgorithm& algorithm) {
  Plan& plan = plans_->plan(product_of(op));
  const auto before = plan.algorithm;
  plan.algorithm = std::bit_cast<cublasLtMatmulAlgo_t>(algorithm);
  if (plans_->accepts(plan)) return true;
  plan.algorithm = before;
  return false;
}

GemmKey Products::key(const Matmul& op) const { return plans_->key(product_of(op)); }

std::vector<std::string> Products::take_warnings() { return std::exchange(plans_->warnings, {}); }

}  // namespace causeway::cuda
