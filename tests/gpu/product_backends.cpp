// The backend that tests/gpu holds to the reference: CUDA's, on the first GPU.
#include "cuda/backend.h"
#include "tests/ops/agreement.h"

namespace causeway {

const std::vector<NamedBackend>& product_backends() {
  static const std::vector<NamedBackend> backends = [] {
    std::vector<NamedBackend> list;
    list.push_back({"cuda", make_cuda_backend()});
    return list;
  }();
  return backends;
}

}  // namespace causeway
