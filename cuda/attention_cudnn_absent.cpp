// cuDNN's attention in a build without it. See attention_cudnn.h.
#include "core/error.h"
#include "cuda/attention_cudnn.h"

namespace causeway::cuda {

struct CudnnAttention::Impl {};

CudnnAttention::CudnnAttention() {
  throw Error({.id = "device.no_cudnn",
               .where = "train.attention_kernel: cudnn",
               .what = "this build has no cuDNN",
               .remedy = "train.attention_kernel=own needs none; or: scripts/install_deps fetches "
                         "cudnn-frontend, then configure and build again"});
}
CudnnAttention::~CudnnAttention() = default;

// Nobody comes here: there is no object.
size_t CudnnAttention::prepare(const AttentionForward&) { return 0; }
size_t CudnnAttention::prepare(const AttentionBackward&) { return 0; }
void CudnnAttention::forward(const AttentionForward&, void*, cudaStream_t) {}
void CudnnAttention::backward(const AttentionBackward&, void*, cudaStream_t) {}

}  // namespace causeway::cuda
