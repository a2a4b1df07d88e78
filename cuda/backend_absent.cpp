// The CUDA backend of a build without the CUDA toolkit. See backend.h.
#include "core/error.h"
#include "cuda/backend.h"

namespace causeway {

CudaSearch find_cuda_device() {
  return {.device = std::nullopt, .why_not = "this build has no CUDA backend"};
}

std::unique_ptr<Backend> make_cuda_backend() {
  throw Error({.id = "device.missing",
               .where = "",
               .what = "this build has no CUDA backend",
               .remedy = "install the CUDA toolkit and configure again"});
}

}  // namespace causeway
