// Our own kernels behind attention_kernels.h, and the choice.
#include "cuda/attention_kernels.h"

#include "cuda/attention.h"
#include "cuda/preparation.h"
#include "cuda/runtime.h"

namespace causeway::cuda {
namespace {

class OwnAttention final : public AttentionKernels {
 public:
  explicit OwnAttention(int capability) : capability_(capability) {}

  size_t prepare(const AttentionForward& op) override {
    require_head_size("attention_forward", op.q);
    return 0;
  }
  size_t prepare(const AttentionBackward& op) override {
    require_head_size("attention_backward", op.q);
    return attention_scratch_bytes(op);
  }
  void forward(const AttentionForward& op, void*, cudaStream_t stream) override {
    attention_forward(op, capability_, stream);
  }
  void backward(const AttentionBackward& op, void* scratch, cudaStream_t stream) override {
    attention_backward(op, scratch, capability_, stream);
  }

 private:
  static void require_head_size(const char* name, const Tensor& q) {
    if (q.shape[3] > kMaxHeadSize) refuse(name, "heads of at most 256", q);
  }

  int capability_;
};

}  // namespace

std::unique_ptr<AttentionKernels> make_own_attention(int capability) {
  return std::make_unique<OwnAttention>(capability);
}

std::unique_ptr<AttentionKernels> make_attention_kernels(AttentionKernel whose) {
  auto own = make_own_attention(device_capability());
  return whose == AttentionKernel::Cudnn ? make_cudnn_attention(std::move(own)) : std::move(own);
}

}  // namespace causeway::cuda
