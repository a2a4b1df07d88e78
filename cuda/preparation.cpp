// See preparation.h.
#include "cuda/preparation.h"

#include <algorithm>

#include "core/ops_check.h"
#include "cuda/backend.h"
#include "cuda/launches.h"
#include "cuda/matmul.h"

namespace causeway {

std::unique_ptr<Preparation> make_cuda_preparation(AttentionKernel attention) {
  const bool own = attention == AttentionKernel::Own;
  return std::make_unique<cuda::ScratchNeeds>(own ? cuda::make_own_attention(0) : nullptr);
}

namespace cuda {

void refuse(const char* op, const std::string& expected, const Tensor& got) {
  throw Error(
      {.id = "op.unsupported",
       .where = "",
       .what = fmt::format("[{}] expected {} on CUDA, got {}", op, expected, to_string(got)),
       .remedy = "another backend may have it: device: cpu"});
}

void require_act(const char* op, const Tensor& t) {
  if (t.dtype != DType::F32 && t.dtype != DType::BF16) refuse(op, "f32 or bf16", t);
}

void ScratchNeeds::need(size_t bytes) { bytes_ = std::max(bytes_, bytes); }

void ScratchNeeds::prepare(const Matmul& op) {
  check(op);
  require_act("matmul", op.a);
  need(ProductLibrary::workspace_bytes());
  if (op.d_bias) need(bias_gradient_scratch_bytes(bias_gradient_of(op)));
}

void ScratchNeeds::prepare(const EmbeddingBackward& op) {
  check(op);
  require_act("embedding_backward", op.d_y);
  need(embedding_scratch_bytes(op));
}

void ScratchNeeds::prepare(const NormBackward& op) {
  check(op);
  require_act("norm_backward", op.x);
  need(norm_scratch_bytes(op));
}

void ScratchNeeds::prepare(const AttentionForward& op) {
  check(op);
  require_act("attention_forward", op.q);
  if (attention_) need(attention_->prepare(op));
}

void ScratchNeeds::prepare(const AttentionBackward& op) {
  check(op);
  require_act("attention_backward", op.q);
  if (attention_) need(attention_->prepare(op));
}

}  // namespace cuda
}  // namespace causeway
