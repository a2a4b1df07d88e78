// The CUDA runtime behind the seam, and the search for a device. See runtime.h, backend.h.
#include "cuda/runtime.h"

#include "core/error.h"
#include "cuda/backend.h"

namespace causeway {
namespace cuda {

/// The runtime and the driver take memory of their own: for a context, for a kernel's stacks.
Error refused_memory(const char* what) {
  size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  return Error({.id = "memory.device",
                .where = "",
                .what = fmt::format("[{}] the GPU has no memory left for its own runtime: {} of "
                                    "its {} MiB are free",
                                    what, free >> 20, total >> 20),
                .remedy = "end what else uses the GPU (nvidia-smi tells), or make "
                          "train.micro_batch_size smaller"});
}

void require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  if (error == cudaErrorMemoryAllocation) throw refused_memory(what);
  throw Error({.id = "device.cuda",
               .where = "",
               .what = fmt::format("[{}] the GPU reports: {} ({})", what, cudaGetErrorString(error),
                                   cudaGetErrorName(error)),
               .remedy = "an error of an earlier operation may show here: CUDA_LAUNCH_BLOCKING=1 "
                         "tells which; causeway doctor checks the device"});
}

void use_device(int device) { require(cudaSetDevice(device), "device"); }

std::string device_name() {
  int device = 0;
  cudaDeviceProp properties{};
  require(cudaGetDevice(&device), "device");
  require(cudaGetDeviceProperties(&properties, device), "device");
  return properties.name;
}

int device_capability() {
  int device = 0, major = 0, minor = 0;
  require(cudaGetDevice(&device), "device");
  require(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "device");
  require(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "device");
  return 10 * major + minor;
}

size_t shared_memory_of_block() {
  int device = 0, bytes = 0;
  require(cudaGetDevice(&device), "device");
  require(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
          "device");
  return static_cast<size_t>(bytes);
}

void* allocate(size_t bytes) {
  void* data = nullptr;
  if (cudaMalloc(&data, bytes) == cudaSuccess) return data;
  cudaGetLastError();  // a refusal is an answer, not a failed launch
  return nullptr;
}
void deallocate(void* data) noexcept { cudaFree(data); }

MemoryInfo memory_info() {
  MemoryInfo info;
  require(cudaMemGetInfo(&info.free, &info.total), "memory");
  return info;
}

void* allocate_pinned(size_t bytes) {
  void* data = nullptr;
  if (cudaMallocHost(&data, bytes) == cudaSuccess) return data;
  cudaGetLastError();
  return nullptr;
}
void deallocate_pinned(void* data) noexcept { cudaFreeHost(data); }

cudaStream_t make_stream() {
  cudaStream_t stream = nullptr;
  require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  return stream;
}
void destroy(cudaStream_t stream) noexcept { cudaStreamDestroy(stream); }

cudaEvent_t make_event() {
  cudaEvent_t event = nullptr;
  require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "event");
  return event;
}
void destroy(cudaEvent_t event) noexcept { cudaEventDestroy(event); }
void record(cudaEvent_t event, cudaStream_t stream) {
  require(cudaEventRecord(event, stream), "event");
}
void wait(cudaEvent_t event) { require(cudaEventSynchronize(event), "event"); }
void wait_on_stream(cudaStream_t stream, cudaEvent_t event) {
  require(cudaStreamWaitEvent(stream, event), "event");
}
void synchronize(cudaStream_t stream) { require(cudaStreamSynchronize(stream), "synchronize"); }

double seconds_of(cudaStream_t stream, const std::function<void()>& work) {
  struct Timer {
    cudaEvent_t event = nullptr;
    Timer() { require(cudaEventCreate(&event), "event"); }
    ~Timer() { destroy(event); }
  } begin, end;
  record(begin.event, stream);
  work();
  record(end.event, stream);
  wait(end.event);
  float milliseconds = 0;
  require(cudaEventElapsedTime(&milliseconds, begin.event, end.event), "event");
  return 1e-3 * milliseconds;
}

void copy(void* dst, const void* src, size_t bytes, cudaStream_t stream) {
  require(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDefault, stream), "copy");
}
void zero(void* data, size_t bytes, cudaStream_t stream) {
  require(cudaMemsetAsync(data, 0, bytes, stream), "zero");
}

cudaGraph_t capture(cudaStream_t stream, const std::function<void()>& work) {
  // Other threads may do as they like meanwhile.
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "graph");
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // of a broken capture: what was thrown says why
    throw;
  }
  require(cudaStreamEndCapture(stream, &graph), "graph");
  return graph;
}
cudaGraphExec_t instantiate(cudaGraph_t graph) {
  cudaGraphExec_t executable = nullptr;
  require(cudaGraphInstantiate(&executable, graph), "graph");
  return executable;
}
bool update(cudaGraphExec_t executable, cudaGraph_t graph) {
  cudaGraphExecUpdateResultInfo info{};
  const cudaError_t error = cudaGraphExecUpdate(executable, graph, &info);
  if (error != cudaErrorGraphExecUpdateFailure) require(error, "graph");
  if (error != cudaSuccess) cudaGetLastError();  // a refusal is an answer
  return error == cudaSuccess;
}
void launch_graph(cudaGraphExec_t executable, cudaStream_t stream) {
  require(cudaGraphLaunch(executable, stream), "graph");
}
void destroy(cudaGraph_t graph) noexcept { cudaGraphDestroy(graph); }
void destroy(cudaGraphExec_t executable) noexcept { cudaGraphExecDestroy(executable); }

void check_launch(const char* op) { require(cudaGetLastError(), op); }

}  // namespace cuda

namespace {

/// The kernels' code is built for this compute capability and later ones.
constexpr int kLeastMajor = 8;

CudaSearch not_found(std::string why) {
  return {.device = std::nullopt, .why_not = std::move(why)};
}

}  // namespace

int count_cuda_devices() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

CudaSearch find_cuda_device(int device) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver)
    return not_found("the NVIDIA driver is missing or older than this build's CUDA needs");
  if (error != cudaSuccess && error != cudaErrorNoDevice)
    return not_found(fmt::format("CUDA says: {}", cudaGetErrorString(error)));
  if (count == 0) return not_found("this machine shows no NVIDIA GPU (CUDA_VISIBLE_DEVICES?)");
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess)
    return not_found("the GPU does not answer");
  if (properties.major < kLeastMajor)
    return not_found(fmt::format("{} has compute capability {}.{}; {}.0 is the least that works",
                                 properties.name, properties.major, properties.minor, kLeastMajor));
  return {
      .device = CudaDevice{.name = properties.name,
                           .major = properties.major,
                           .minor = properties.minor,
                           .memory = properties.totalGlobalMem,
                           .address = fmt::format("{:04x}:{:02x}:{:02x}", properties.pciDomainID,
                                                  properties.pciBusID, properties.pciDeviceID)},
      .why_not = ""};
}

}  // namespace causeway
