// cuDNN's attention in a build without it. See attention_kernels.h.
#include "core/error.h"
#include "cuda/attention_kernels.h"

namespace causeway::cuda {

std::unique_ptr<AttentionKernels> make_cudnn_attention(std::unique_ptr<AttentionKernels>) {
  throw Error({.id = "device.no_cudnn",
               .where = "train.attention_kernel: cudnn",
               .what = "this build has no cuDNN",
               .remedy = "train.attention_kernel=own needs none; or scripts/install_deps --cudnn "
                         "fetches its headers, then configure and build again"});
}

}  // namespace causeway::cuda
