// The CUDA runtime of the emulation: device memory is host memory that the engine knows, streams
// are the engine's, and what is given to one while it is captured happens when the graph is
// launched. See cuda/runtime.h.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/error.h"
#include "cuda/backend.h"
#include "cuda/profiler.h"
#include "cuda/runtime.h"
#include "tests/simt/device_memory.h"
#include "tests/simt/streams.h"

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

/// The machine's devices: one for the kernels of most GPUs, a Hopper, and an Ada, whose blocks have
/// the least shared memory.
struct Device {
  int capability;
  size_t shared_bytes;  ///< that a block may ask for
};
constexpr Device kDevices[] = {{80, 163 << 10}, {90, 227 << 10}, {89, 99 << 10}};
int current_device = 0;

using Clock = std::chrono::steady_clock;

/// As CUDA answers what a capture does not allow.
void refuse_capture(const char* what) {
  if (!simt::captured) return;
  throw Error({.id = "device.cuda",
               .where = "",
               .what = fmt::format("[{}] not while a stream is captured", what),
               .remedy = "do it before or after"});
}

}  // namespace

void use_device(int device) {
  current_device = device;
  simt::options.shared_limit = kDevices[device].shared_bytes;
}
std::string device_name() { return "emulated GPU"; }
int device_capability() { return kDevices[current_device].capability; }
size_t shared_memory_of_block() { return kDevices[current_device].shared_bytes; }

void* allocate(size_t bytes) {
  refuse_capture("memory");
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
  simt::finish_all();         // as cudaFree does
  simt::remove_region(data);  // until then nobody may read what lies before it
  size_t bytes = 0;
  std::memcpy(&bytes, static_cast<char*>(data) - kRedZone, sizeof bytes);
  device_memory().held -= bytes;
  ::operator delete(static_cast<char*>(data) - kRedZone, kAlignment);
}
MemoryInfo memory_info() {
  const DeviceMemory& memory = device_memory();
  return {.free = memory.limit - memory.held, .total = memory.limit};
}

void* allocate_pinned(size_t bytes) { return std::malloc(bytes); }
void deallocate_pinned(void* data) noexcept {
  simt::finish_all();
  std::free(data);
}

cudaStream_t make_stream() { return simt::make_stream(); }
void destroy(cudaStream_t stream) noexcept { simt::destroy(stream); }
cudaEvent_t make_event() { return simt::make_event(); }
void destroy(cudaEvent_t event) noexcept { simt::destroy(event); }
void record(cudaEvent_t event, cudaStream_t stream) { simt::record(event, stream); }
void wait(cudaEvent_t event) {
  refuse_capture("event");
  simt::finish(event);
}
void wait_on_stream(cudaStream_t stream, cudaEvent_t event) { simt::wait_on_stream(stream, event); }
void synchronize(cudaStream_t stream) {
  refuse_capture("synchronize");
  simt::finish(stream);
}
double seconds_of(cudaStream_t stream, const std::function<void()>& work) {
  synchronize(stream);
  const double claimed = device_seconds();
  const auto begin = Clock::now();
  work();
  synchronize(stream);
  const double more = device_seconds() - claimed;
  return more > 0 ? more : std::chrono::duration<double>(Clock::now() - begin).count();
}

void copy(void* dst, const void* src, size_t bytes, cudaStream_t stream) {
  simt::enqueue(stream, nullptr, [=] { std::memmove(dst, src, bytes); });
}
void zero(void* data, size_t bytes, cudaStream_t stream) {
  simt::enqueue(stream, nullptr, [=] { std::memset(data, 0, bytes); });
}

// A graph, and an executable one, is the list of its work.
using Nodes = std::vector<simt::Node>;
template <class Graph>
Nodes& nodes_of(Graph graph) {
  return *reinterpret_cast<Nodes*>(graph);
}

cudaGraph_t capture(cudaStream_t, const std::function<void()>& work) {
  Nodes nodes;
  simt::captured = &nodes;
  try {
    work();
  } catch (...) {
    simt::captured = nullptr;
    throw;
  }
  simt::captured = nullptr;
  return reinterpret_cast<cudaGraph_t>(new Nodes(std::move(nodes)));
}
cudaGraphExec_t instantiate(cudaGraph_t graph) {
  return reinterpret_cast<cudaGraphExec_t>(new Nodes(nodes_of(graph)));
}
bool update(cudaGraphExec_t executable, cudaGraph_t graph) {
  const auto what = [](const simt::Node& node) { return node.what; };
  if (!std::ranges::equal(nodes_of(executable), nodes_of(graph), {}, what, what)) return false;
  nodes_of(executable) = nodes_of(graph);
  return true;
}
void launch_graph(cudaGraphExec_t executable, cudaStream_t stream) {
  ++simt::stats.graphs;
  for (const simt::Node& node : nodes_of(executable)) simt::enqueue(stream, node.what, node.run);
}
void destroy(cudaGraph_t graph) noexcept { delete &nodes_of(graph); }
void destroy(cudaGraphExec_t executable) noexcept { delete &nodes_of(executable); }

void require(cudaError_t error, const char* what) {
  CHECK(error == cudaSuccess, "[{}] error {}", what, static_cast<int>(error));
}
void check_launch(const char*) {}  // a launch that fails throws in the emulation

Range::Range(const char*) {}  // no profiler looks at the emulation
Range::~Range() = default;

}  // namespace cuda

void show_cuda_phase(const std::string&) {}

CudaSearch find_cuda_device(int) {
  return {.device = CudaDevice{.name = "emulated", .major = 8, .minor = 0}, .why_not = ""};
}

}  // namespace causeway
