// The CUDA backend: memory, and one call per operation. See cuda_backend.h. Read next: launches.h.
#include "cuda/backend.h"

#include "core/ops_check.h"
#include "cuda/cuda_backend.h"
#include "cuda/launches.h"
#include "cuda/profiler.h"
#include "cuda/tune.h"

namespace causeway {

std::unique_ptr<Backend> make_cuda_backend(int device, AttentionKernel attention) {
  cuda::use_device(device);
  return std::make_unique<cuda::CudaBackend>(attention);
}

size_t free_cuda_memory() { return cuda::memory_info().free; }

double cuda_seconds_of(Backend& backend, const std::function<void()>& work) {
  return cuda::seconds_of(static_cast<cuda::CudaBackend&>(backend).stream(), work);
}

std::string cuda_libraries() { return cuda::ProductLibrary::name(); }

std::vector<std::string> take_cuda_warnings(Backend& backend) {
  return static_cast<cuda::CudaBackend&>(backend).products().take_warnings();
}

TunedProduct tune_cuda_product(Backend& backend, const Matmul& op) {
  return static_cast<cuda::CudaBackend&>(backend).tune(op);
}

namespace cuda {
namespace {

/// Runs `launches` under the operation's name. Throws where one of them failed.
template <class Launches>
void start(const char* op, const Launches& launches) {
  const Range range(op);
  launches();
  check_launch(op);
}

}  // namespace

CudaBackend::CudaBackend(AttentionKernel attention)
    : scratch_(stream_), needs_(make_attention_kernels(attention)) {}

void* CudaBackend::allocate(size_t bytes) {
  void* const data = allocate_or_throw(bytes);
  cuda::zero(data, bytes, stream_);
  return data;
}

void CudaBackend::deallocate(void* data, size_t) noexcept { cuda::deallocate(data); }

void CudaBackend::upload(const Tensor& dst, const void* host) {
  CHECK(dst.contiguous(), "upload to a strided {}", to_string(dst));
  const Range range("upload");
  staging_.upload(dst.data, host, dst.bytes(), stream_);
}

void CudaBackend::download(void* host, const Tensor& src) {
  CHECK(src.contiguous(), "download of a strided {}", to_string(src));
  const Range range("download");
  if (src.bytes() > 0) cuda::copy(host, src.data, src.bytes(), stream_);
  synchronize();
}

void CudaBackend::copy(const Tensor& dst, const Tensor& src) {
  check_copy(dst, src);
  start("copy", [&] {
    if (!dst.contiguous() || !src.contiguous())
      copy_strided(dst, src, stream_);
    else if (dst.bytes() > 0)
      cuda::copy(dst.data, src.data, dst.bytes(), stream_);
  });
}

void CudaBackend::zero(const Tensor& x) {
  CHECK(x.contiguous(), "zero of a strided {}", to_string(x));
  const Range range("zero");
  if (x.bytes() > 0) cuda::zero(x.data, x.bytes(), stream_);
}

void CudaBackend::synchronize() { cuda::synchronize(stream_); }

void CudaBackend::run_graph(std::string_view name, const std::function<void()>& work) {
  graphs_.run(name, work, stream_);
}

template <class Op>
void CudaBackend::reserve_for(const Op& op) {
  needs_.prepare(op);
  scratch_.reserve(needs_.scratch_bytes());
}

void CudaBackend::prepare(const Matmul& op) {
  reserve_for(op);
  products_.prepare(op);
}
void CudaBackend::prepare(const EmbeddingBackward& op) { reserve_for(op); }
void CudaBackend::prepare(const NormBackward& op) { reserve_for(op); }
void CudaBackend::prepare(const AttentionForward& op) { reserve_for(op); }
void CudaBackend::prepare(const AttentionBackward& op) { reserve_for(op); }

TunedProduct CudaBackend::tune(const Matmul& op) {
  check(op);
  prepare(op);
  return cuda::tune(products_, op, scratch_.reserve(0), stream_);
}

void CudaBackend::matmul(const Matmul& op) {
  prepare(op);
  start("matmul", [&] {
    void* const scratch = scratch_.reserve(0);
    products_.run(op, scratch, stream_);
    if (op.d_bias) bias_gradient(bias_gradient_of(op), scratch, stream_);
  });
}

void CudaBackend::embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                                    const Tensor& wpe, const Tensor& position) {
  check_embedding_forward(y, tokens, wte, wpe, position);
  require_act("embedding_forward", y);
  start("embedding_forward", [&] {
    cuda::embedding_forward(
        {.y = y, .tokens = tokens, .wte = wte, .wpe = wpe, .position = position}, stream_);
  });
}

void CudaBackend::embedding_backward(const EmbeddingBackward& op) {
  prepare(op);
  start("embedding_backward", [&] { cuda::embedding_backward(op, scratch_.reserve(0), stream_); });
}

void CudaBackend::norm_forward(const NormForward& op) {
  check(op);
  require_act("norm_forward", op.x);
  start("norm_forward", [&] { cuda::norm_forward(op, stream_); });
}

void CudaBackend::norm_backward(const NormBackward& op) {
  prepare(op);
  start("norm_backward", [&] { cuda::norm_backward(op, scratch_.reserve(0), stream_); });
}

void CudaBackend::rope(const Tensor& x, const Tensor& table, const Tensor& position,
                       RopeDirection direction) {
  check_rope(x, table, position);
  require_act("rope", x);
  start("rope", [&] { cuda::rope(x, table, position, direction, stream_); });
}

void CudaBackend::attention_forward(const AttentionForward& op) {
  prepare(op);
  start("attention_forward", [&] { needs_.attention().forward(op, scratch_.reserve(0), stream_); });
}

void CudaBackend::attention_backward(const AttentionBackward& op) {
  prepare(op);
  start("attention_backward",
        [&] { needs_.attention().backward(op, scratch_.reserve(0), stream_); });
}

void CudaBackend::activation_forward(Activation kind, const Tensor& y, const Tensor& x) {
  check_activation_forward(kind, y, x);
  require_act("activation_forward", x);
  start("activation_forward", [&] { cuda::activation_forward(kind, y, x, stream_); });
}

void CudaBackend::activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                                      const Tensor& x) {
  check_activation_backward(kind, d_x, d_y, x);
  require_act("activation_backward", x);
  start("activation_backward", [&] { cuda::activation_backward(kind, d_x, d_y, x, stream_); });
}

void CudaBackend::dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream) {
  check_dropout(y, x, p);
  require_act("dropout", x);
  start("dropout", [&] { cuda::dropout(y, x, p, stream, stream_); });
}

void CudaBackend::cross_entropy(const CrossEntropy& op) {
  check(op);
  require_act("cross_entropy", op.logits);
  start("cross_entropy", [&] { cuda::cross_entropy(op, stream_); });
}

void CudaBackend::sum(const Tensor& out, const Tensor& x) {
  check_sum(out, x);
  require_act("sum", x);
  start("sum", [&] { cuda::sum(out, x, stream_); });
}

void CudaBackend::sum_of_squares(const Tensor& partials, const Tensor& x) {
  check_sum_of_squares(partials, x);
  require_act("sum_of_squares", x);
  start("sum_of_squares", [&] { cuda::sum_of_squares(partials, x, stream_); });
}

void CudaBackend::clip_and_guard(const Tensor& scalars, const Tensor& partials,
                                 const Tensor& losses, double max_norm) {
  check_clip_and_guard(scalars, partials, losses, max_norm);
  if (scalars.dtype != DType::F64) refuse("clip_and_guard", "scalars f64", scalars);
  start("clip_and_guard",
        [&] { cuda::clip_and_guard(scalars, partials, losses, max_norm, stream_); });
}

void CudaBackend::adamw(const AdamW& op, std::span<const AdamWSlice> slices) {
  check(op, slices);
  for (const AdamWSlice& s : slices) require_act("adamw", s.value);
  start("adamw", [&] { cuda::adamw(op, slices, stream_); });
}

void CudaBackend::axpby(const Tensor& y, double alpha, const Tensor& x, double beta) {
  check_axpby(y, x);
  require_act("axpby", x);
  start("axpby", [&] { cuda::axpby(y, alpha, x, beta, stream_); });
}

void CudaBackend::cast(const Tensor& y, const Tensor& x) {
  check_cast(y, x);
  for (const Tensor* t : {&y, &x})
    if (t->dtype != DType::F64) require_act("cast", *t);
  if (y.dtype == x.dtype) return copy(y, x);
  start("cast", [&] { cuda::cast(y, x, stream_); });
}

}  // namespace cuda
}  // namespace causeway
