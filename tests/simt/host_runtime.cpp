// The CUDA runtime of the emulation: device memory is host memory that the engine knows, and
// everything has happened when it returns. See cuda/runtime.h.
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/error.h"
#include "cuda/backend.h"
#include "cuda/runtime.h"
#include "tests/simt/device_memory.h"
#include "tests/simt/engine.h"

namespace causeway {

double& device_seconds() {
  static double seconds = 0;
  return seconds;
}

DeviceMemory& device_memory() {
  static DeviceMemory memory;
  return memory;
}

namespace cuda {
namespace {

constexpr std::align_val_t kAlignment{256};
/// Kept free on both sides, so that a kernel that leaves its memory is caught.
constexpr size_t kRedZone = 256;

/// The machine's devices, by their compute capability: one for the kernels of most GPUs, a Hopper.
constexpr int kCapabilities[] = {80, 90};
int current_device = 0;

}  // namespace

void use_device(int device) { current_device = device; }
std::string device_name() { return "emulated GPU"; }
int device_capability() { return kCapabilities[current_device]; }

void* allocate(size_t bytes) {
  DeviceMemory& memory = device_memory();
  if (bytes > memory.limit - memory.held) return nullptr;
  char* const whole =
      static_cast<char*>(::operator new(bytes + 2 * kRedZone, kAlignment, std::nothrow));
  if (!whole) return nullptr;
  ++memory.allocations;
  memory.held += bytes;
  std::memcpy(whole, &bytes, sizeof bytes);  // for deallocate()
  simt::add_region(whole + kRedZone, bytes, kRedZone, true, "device memory");
  return whole + kRedZone;
}
void deallocate(void* data) noexcept {
  if (!data) return;
  size_t bytes = 0;
  std::memcpy(&bytes, static_cast<char*>(data) - kRedZone, sizeof bytes);
  device_memory().held -= bytes;
  simt::remove_region(data);
  ::operator delete(static_cast<char*>(data) - kRedZone, kAlignment);
}
MemoryInfo memory_info() {
  const DeviceMemory& memory = device_memory();
  return {.free = memory.limit - memory.held, .total = memory.limit};
}

void* allocate_pinned(size_t bytes) { return std::malloc(bytes); }
void deallocate_pinned(void* data) noexcept { std::free(data); }

cudaStream_t make_stream() { return nullptr; }
void destroy(cudaStream_t) noexcept {}
cudaEvent_t make_event() { return nullptr; }
void destroy(cudaEvent_t) noexcept {}
void record(cudaEvent_t, cudaStream_t) {}
void wait(cudaEvent_t) {}
void wait_on_stream(cudaStream_t, cudaEvent_t) {}
void synchronize(cudaStream_t) {}
double seconds_of(cudaStream_t, const std::function<void()>& work) {
  const double begin = device_seconds();
  work();
  return device_seconds() - begin;
}

void copy(void* dst, const void* src, size_t bytes, cudaStream_t) { std::memmove(dst, src, bytes); }
void zero(void* data, size_t bytes, cudaStream_t) { std::memset(data, 0, bytes); }

void require(cudaError_t error, const char* what) {
  CHECK(error == cudaSuccess, "[{}] error {}", what, static_cast<int>(error));
}
void check_launch(const char*) {}  // a launch that fails throws in the emulation

}  // namespace cuda

CudaSearch find_cuda_device(int) {
  return {.device = CudaDevice{.name = "emulated", .major = 8, .minor = 0}, .why_not = ""};
}

}  // namespace causeway
