// cuBLASLt: plans, cached per shape, and their execution. The library is column-major, so it
// computes yᵀ (N, M) = op(b)ᵀ · op(a)ᵀ: its A is our b, its B our a, its D our y, each stored as it
// is. The bias gradient is not left to its BGRADB epilogue, which cannot accumulate: columns.cuh
// sums it. Read next: cublaslt.h, gemm_table.h, products.h (the caller).
#include "cuda/matmul.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "core/error.h"
#include "core/product.h"
#include "cuda/cublaslt.h"
#include "cuda/product_key.h"

namespace causeway::cuda {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;

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
  std::string refusal;  ///< why there is none; "" where there is one
};

/// A row of the table knows nothing of addresses: 16 bytes are all that any kernel asks for.
bool is_tunable(const Matmul& op) {
  return op.y.numel() > 0 && std::min({alignment(op.y), alignment(op.a), alignment(op.b),
                                       alignment(op.bias), alignment(op.pre)}) >= 16;
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

/// How sums that are split may be put together: in fixed order, from the workspace; in place they
/// would race. Where a bias or an activation follows they are not split, for the library then
/// rounds the sum to y's type first (seen with 13.1 on an H200: 5 to 18 times our tolerance).
uint32_t reductions(const Matmul& op) {
  const bool plain = !op.bias && op.epilogue == Epilogue::None;
  return plain ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE;
}

Preference preference(const Matmul& op) {
  cublasLtMatmulPreference_t handle = nullptr;
  require(cublasLtMatmulPreferenceCreate(&handle), "preference");
  Preference p(handle);
  set(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{kWorkspace});
  set(p, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reductions(op));
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(op.b));
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(op.a));
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(op.y));
  // An epilogue reads its vector and its matrix as it writes d: pack by pack.
  set(p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
      std::min({alignment(op.y), alignment(op.bias), alignment(op.pre)}));
  return p;
}

}  // namespace

struct ProductLibrary::Plans {
  Library library;
  std::map<ProductKey, Plan> plans;
  const GemmTable table = committed_gemm_table();
  const std::string gpu = device_name(), version = ProductLibrary::name();
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
    Plan plan;
    if (!can_fuse(op)) {
      plan.refusal = "rows of pre are no multiples of 8 elements, from 16 bytes on";
      return plan;
    }
    plan = {.description = describe(op),
            .a = layout(op.b),
            .b = layout(op.a),
            .y = layout(op.y),
            .algorithm = {},
            .refusal = ""};
    set_pointers(plan.description, op);  // some versions ask for a bias before they name a way
    if (const GemmAlgorithm* const row = is_tunable(op) ? table.find(key(op)) : nullptr) {
      plan.algorithm = std::bit_cast<cublasLtMatmulAlgo_t>(*row);
      if (accepts(op, plan)) return plan;
      warnings.push_back(
          fmt::format("{} refuses the row of cuda/gemm_table.tsv for {}, and takes "
                      "its own first choice",
                      version, product_name(op)));
    }
    const Choices choices = heuristics(op, plan, 1);
    if (choices.algorithms.empty())
      plan.refusal = choices.refusal;
    else
      plan.algorithm = choices.algorithms[0];
    return plan;
  }

  /// Whether the library can run the plan's algorithm, in our workspace and with equal bits.
  bool accepts(const Matmul& op, const Plan& plan) const {
    uint32_t reduction = 0;
    size_t written = 0;
    cublasLtMatmulHeuristicResult_t checked{};
    return cublasLtMatmulAlgoConfigGetAttribute(
               &plan.algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &reduction, sizeof reduction,
               &written) == CUBLAS_STATUS_SUCCESS &&
           (reduction & ~reductions(op)) == 0 &&
           cublasLtMatmulAlgoCheck(library.get(), plan.description.get(), plan.a.get(),
                                   plan.b.get(), plan.y.get(), plan.y.get(), &plan.algorithm,
                                   &checked) == CUBLAS_STATUS_SUCCESS &&
           checked.workspaceSize <= kWorkspace;
  }

  struct Choices {
    std::vector<cublasLtMatmulAlgo_t> algorithms;
    std::string refusal;  ///< why there are none
  };
  Choices heuristics(const Matmul& op, const Plan& plan, int most) const {
    const Preference wishes = preference(op);
    std::vector<cublasLtMatmulHeuristicResult_t> found(most);
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        library.get(), plan.description.get(), plan.a.get(), plan.b.get(), plan.y.get(),
        plan.y.get(), wishes.get(), most, found.data(), &count);
    Choices choices;
    if (status != CUBLAS_STATUS_SUCCESS) {
      choices.refusal = cublasLtGetStatusString(status);
      return choices;
    }
    for (int i = 0; i < count; ++i)
      if (found[i].state == CUBLAS_STATUS_SUCCESS) choices.algorithms.push_back(found[i].algo);
    if (choices.algorithms.empty()) choices.refusal = "its heuristic names no algorithm";
    return choices;
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

ProductLibrary::ProductLibrary() : plans_(std::make_unique<Plans>()) {}
ProductLibrary::~ProductLibrary() = default;

size_t ProductLibrary::workspace_bytes() { return kWorkspace; }

std::string ProductLibrary::name() {
  const size_t v = cublasLtGetVersion();
  return fmt::format("cuBLASLt {}.{}.{}", v / 10000, v / 100 % 100, v % 100);
}

std::string ProductLibrary::prepare(const Matmul& op) { return plans_->plan(op).refusal; }

void ProductLibrary::run(const Matmul& op, void* workspace, cudaStream_t stream) {
  plans_->execute(op, workspace, stream);
}

std::vector<GemmAlgorithm> ProductLibrary::algorithms(const Matmul& op, int most) {
  if (!is_tunable(op)) return {};
  std::vector<GemmAlgorithm> list;
  for (const auto& algorithm : plans_->heuristics(op, plans_->plan(op), most).algorithms)
    list.push_back(std::bit_cast<GemmAlgorithm>(algorithm));
  return list;
}

bool ProductLibrary::use(const Matmul& op, const GemmAlgorithm& algorithm) {
  Plan& plan = plans_->plan(op);
  const auto before = plan.algorithm;
  plan.algorithm = std::bit_cast<cublasLtMatmulAlgo_t>(algorithm);
  if (plans_->accepts(op, plan)) return true;
  plan.algorithm = before;
  return false;
}

GemmKey ProductLibrary::key(const Matmul& op) const { return plans_->key(op); }

std::vector<std::string> ProductLibrary::take_warnings() {
  return std::exchange(plans_->warnings, {});
}

}  // namespace causeway::cuda
