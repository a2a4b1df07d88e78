// The CUDA backend of a build without the CUDA toolkit. See backend.h.
#include "core/error.h"
#include "cuda/backend.h"

namespace causeway {

CudaSearch find_cuda_device(int) {
  return {.device = std::nullopt, .why_not = "this build has no CUDA backend"};
}

int count_cuda_devices() { return 0; }
size_t free_cuda_memory() { return 0; }

double cuda_seconds_of(Backend&, const std::function<void()>&) { return 0; }
void show_cuda_phase(const std::string&) {}

std::unique_ptr<Preparation> make_cuda_preparation(AttentionKernel) { return nullptr; }
std::string cuda_libraries() { return ""; }
std::vector<std::string> take_cuda_warnings(Backend&) { return {}; }

namespace {
[[noreturn]] void throw_missing() {
  throw Error({.id = "device.missing",
               .where = "",
               .what = "this build has no CUDA backend",
               .remedy = "install the CUDA toolkit and configure again"});
}
}  // namespace

std::unique_ptr<Backend> make_cuda_backend(int, AttentionKernel) { throw_missing(); }
TunedProduct tune_cuda_product(Backend&, const Matmul&) { throw_missing(); }

}  // namespace causeway
