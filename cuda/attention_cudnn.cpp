// cuDNN's attention through cudnn-frontend's graphs. cuDNN is opened at run time, so that the
// program starts where it is missing. See attention_kernels.h. Read next: docs/attention.md.
#include <dlfcn.h>

#include <map>
#include <vector>

#include "core/error.h"
#include "cuda/attention_kernels.h"
#include "cuda/preparation.h"

#define CUDNN_FRONTEND_SKIP_JSON_LIB
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#include <cudnn_frontend.h>

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;  // cudnn-frontend calls cuDNN through it
}

namespace causeway::cuda {
namespace {

namespace fe = cudnn_frontend;
using Graph = fe::graph::Graph;
using GraphTensor = std::shared_ptr<fe::graph::Tensor_attributes>;

constexpr const char* kWhere = "train.attention_kernel: cudnn";

/// The graph's tensors.
enum Uid : int64_t { kQ, kK, kV, kO, kLse, kDO, kDQ, kDK, kDV };
using Pointers = std::unordered_map<int64_t, void*>;

[[noreturn]] void fail(const char* op, const std::string& said) {
  throw Error({.id = "device.cudnn",
               .where = kWhere,
               .what = fmt::format("[{}] cuDNN says: {}", op, said),
               .remedy = "train.attention_kernel=own does without cuDNN"});
}

void require(const char* op, fe::error_t status) {
  if (status.is_bad()) fail(op, status.get_message());
}

/// What a config asks for is refused by core/config_validate.cpp already, key by key.
void require_support(const char* op, const AttentionOptions& options, const Tensor& q) {
  if (q.dtype != DType::BF16 || q.shape[3] % 8 != 0) refuse(op, "bf16 heads of whole 8s", q);
  if (options.softcap > 0 || options.alibi_slopes || options.segment_start)
    refuse(op, "no softcap, ALiBi or segments (of cuDNN's attention)", q);
}

/// A (B, T, heads, D) tensor as cuDNN sees it: (B, heads, T, D).
fe::graph::Tensor_attributes heads_of(const char* name, Uid uid, const Tensor& t) {
  return fe::graph::Tensor_attributes()
      .set_name(name)
      .set_uid(uid)
      .set_dim({t.shape[0], t.shape[2], t.shape[1], t.shape[3]})
      .set_stride({t.stride[0], t.stride[2], t.stride[1], t.stride[3]});
}
/// (B, H, T) f32 as (B, H, T, 1).
fe::graph::Tensor_attributes lse_of(const Tensor& t) {
  return fe::graph::Tensor_attributes()
      .set_name("lse")
      .set_uid(kLse)
      .set_dim({t.shape[0], t.shape[1], t.shape[2], 1})
      .set_stride({t.stride[0], t.stride[1], t.stride[2], 1})
      .set_data_type(fe::DataType_t::FLOAT);
}

/// Where a result goes, and how it lies there.
void write_to(const GraphTensor& result, const fe::graph::Tensor_attributes& place) {
  result->set_output(true)
      .set_uid(place.get_uid())
      .set_dim(place.get_dim())
      .set_stride(place.get_stride())
      .set_data_type(place.get_data_type());
}

/// Every query sees keys up to its own, or the last `window` of them.
template <class Attributes>
void set_mask(Attributes& attributes, const AttentionOptions& options, const Tensor& k) {
  attributes.set_attn_scale(static_cast<float>(options.scale))
      .set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT)
      .set_diagonal_band_right_bound(0);
  if (options.window > 0 && options.window < k.shape[1])
    attributes.set_diagonal_band_left_bound(static_cast<int>(options.window));
}

std::shared_ptr<Graph> new_graph() {
  auto graph = std::make_shared<Graph>();
  graph->set_io_data_type(fe::DataType_t::BFLOAT16)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  return graph;
}

std::shared_ptr<Graph> graph_of(const AttentionForward& op) {
  auto graph = new_graph();
  auto attributes = fe::graph::SDPA_attributes().set_name("attention").set_generate_stats(true);
  set_mask(attributes, op.options, op.k);
  const auto [o, lse] =
      graph->sdpa(graph->tensor(heads_of("q", kQ, op.q)), graph->tensor(heads_of("k", kK, op.k)),
                  graph->tensor(heads_of("v", kV, op.v)), attributes);
  write_to(o, heads_of("o", kO, op.o).set_data_type(fe::DataType_t::BFLOAT16));
  write_to(lse, lse_of(op.lse));
  return graph;
}

std::shared_ptr<Graph> graph_of(const AttentionBackward& op) {
  auto graph = new_graph();
  auto attributes = fe::graph::SDPA_backward_attributes()
                        .set_name("attention_backward")
                        .set_deterministic_algorithm(true);
  set_mask(attributes, op.options, op.k);
  const auto [d_q, d_k, d_v] = graph->sdpa_backward(
      graph->tensor(heads_of("q", kQ, op.q)), graph->tensor(heads_of("k", kK, op.k)),
      graph->tensor(heads_of("v", kV, op.v)), graph->tensor(heads_of("o", kO, op.o)),
      graph->tensor(heads_of("d_o", kDO, op.d_o)), graph->tensor(lse_of(op.lse)), attributes);
  write_to(d_q, heads_of("d_q", kDQ, op.d_q).set_data_type(fe::DataType_t::BFLOAT16));
  write_to(d_k, heads_of("d_k", kDK, op.d_k).set_data_type(fe::DataType_t::BFLOAT16));
  write_to(d_v, heads_of("d_v", kDV, op.d_v).set_data_type(fe::DataType_t::BFLOAT16));
  return graph;
}

const char* name_of(const AttentionForward&) { return "attention_forward"; }
const char* name_of(const AttentionBackward&) { return "attention_backward"; }
std::vector<Tensor> tensors_of(const AttentionForward& op) { return {op.q, op.k, op.v, op.o}; }
std::vector<Tensor> tensors_of(const AttentionBackward& op) {
  return {op.q, op.k, op.v, op.o, op.d_o, op.d_q, op.d_k, op.d_v};
}
Pointers pointers_of(const AttentionForward& op) {
  return {{kQ, op.q.data}, {kK, op.k.data}, {kV, op.v.data}, {kO, op.o.data}, {kLse, op.lse.data}};
}
Pointers pointers_of(const AttentionBackward& op) {
  return {{kQ, op.q.data},    {kK, op.k.data},     {kV, op.v.data},
          {kO, op.o.data},    {kLse, op.lse.data}, {kDO, op.d_o.data},
          {kDQ, op.d_q.data}, {kDK, op.d_k.data},  {kDV, op.d_v.data}};
}

/// All that a plan depends on: sizes, strides and options, never addresses.
struct PlanKey {
  std::vector<int64_t> layout;
  double scale;
  int64_t window;
  auto operator<=>(const PlanKey&) const = default;
};
template <class Op>
PlanKey key_of(const Op& op) {
  PlanKey key{{}, op.options.scale, op.options.window};
  for (const Tensor& t : tensors_of(op))
    for (int d = 0; d < 4; ++d) {
      key.layout.push_back(t.shape[d]);
      key.layout.push_back(t.stride[d]);
    }
  return key;
}

struct Plan {
  std::shared_ptr<Graph> graph;
  size_t workspace = 0;  ///< bytes
};

cudnnHandle_t open_cudnn() {
  if (!fe::cudnn_dlhandle) fe::cudnn_dlhandle = dlopen("libcudnn.so.9", RTLD_NOW);
  if (!fe::cudnn_dlhandle)
    throw Error({.id = "device.no_cudnn",
                 .where = kWhere,
                 .what = fmt::format("this machine's cuDNN 9 cannot be opened: {}", dlerror()),
                 .remedy = "train.attention_kernel=own needs none; or install cuDNN 9 and name its "
                           "folder in LD_LIBRARY_PATH"});
  cudnnHandle_t handle = nullptr;
  const cudnnStatus_t status = fe::detail::create_handle(&handle);
  if (status != CUDNN_STATUS_SUCCESS) fail("attention", fe::detail::get_error_string(status));
  return handle;
}

/// cudnn-frontend also throws, where it finds no CUDA library.
template <class Work>
auto reported(const char* op, const Work& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(op, error.what());
  }
}

class CudnnAttention final : public AttentionKernels {
 public:
  explicit CudnnAttention(std::unique_ptr<AttentionKernels> own) : own_(std::move(own)) {}
  CudnnAttention(const CudnnAttention&) = delete;
  CudnnAttention& operator=(const CudnnAttention&) = delete;
  ~CudnnAttention() override { fe::detail::destroy_handle(handle_); }

  size_t prepare(const AttentionForward& op) override {
    return trains(op) ? plan_of(op).workspace : own_->prepare(op);
  }
  size_t prepare(const AttentionBackward& op) override {
    return trains(op) ? plan_of(op).workspace : own_->prepare(op);
  }
  void forward(const AttentionForward& op, void* scratch, cudaStream_t stream) override {
    trains(op) ? run(op, scratch, stream) : own_->forward(op, scratch, stream);
  }
  void backward(const AttentionBackward& op, void* scratch, cudaStream_t stream) override {
    trains(op) ? run(op, scratch, stream) : own_->backward(op, scratch, stream);
  }

 private:
  template <class Op>
  static bool trains(const Op& op) {
    return op.q.shape[1] == op.k.shape[1] && op.q.numel() > 0;
  }

  template <class Op>
  const Plan& plan_of(const Op& op) {
    const PlanKey key = key_of(op);
    if (const auto known = plans_.find(key); known != plans_.end()) return known->second;
    require_support(name_of(op), op.options, op.q);
    Plan plan = reported(name_of(op), [&] { return make_plan(op); });
    return plans_.emplace(key, std::move(plan)).first->second;
  }

  template <class Op>
  Plan make_plan(const Op& op) {
    Plan plan{.graph = graph_of(op)};
    require(name_of(op), plan.graph->build(handle_, {fe::HeurMode_t::A}));
    int64_t bytes = 0;
    require(name_of(op), plan.graph->get_workspace_size(bytes));
    plan.workspace = static_cast<size_t>(bytes);
    return plan;
  }

  template <class Op>
  void run(const Op& op, void* workspace, cudaStream_t stream) {
    const char* const name = name_of(op);
    if (fe::detail::set_stream(handle_, stream) != CUDNN_STATUS_SUCCESS)
      fail(name, "it does not take our stream");
    Pointers pointers = pointers_of(op);
    require(name, plan_of(op).graph->execute(handle_, pointers, workspace));
  }

  std::unique_ptr<AttentionKernels> own_;
  cudnnHandle_t handle_ = reported("attention", open_cudnn);
  std::map<PlanKey, Plan> plans_;  // forwards and backwards differ in their number of tensors
};

}  // namespace

std::unique_ptr<AttentionKernels> make_cudnn_attention(std::unique_ptr<AttentionKernels> own) {
  return std::make_unique<CudnnAttention>(std::move(own));
}

}  // namespace causeway::cuda
