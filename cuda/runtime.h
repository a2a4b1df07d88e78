// The seam to the CUDA runtime: memory, copies, streams, events, graphs. Two files implement it:
// runtime.cpp on a GPU, tests/simt/host_runtime.cpp in the emulation, where device memory is host
// memory. Read next: runtime.cpp, backend.cpp.
#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <string>

namespace causeway::cuda {

struct MemoryInfo {
  size_t free = 0, total = 0;  ///< bytes of the device
};

/// The calling thread's device from now on.
void use_device(int device);
/// Its model: "NVIDIA H200".
std::string device_name();
/// Its compute capability, 10 · major + minor: 90 is Hopper.
int device_capability();
/// Bytes of shared memory that one of its blocks may ask for.
size_t shared_memory_of_block();

/// Device memory, aligned to 256 bytes; nullptr when the device refuses.
void* allocate(size_t bytes);
void deallocate(void* data) noexcept;
MemoryInfo memory_info();

/// Host memory that the device copies from without staging; nullptr when the system refuses.
void* allocate_pinned(size_t bytes);
void deallocate_pinned(void* data) noexcept;

cudaStream_t make_stream();
void destroy(cudaStream_t stream) noexcept;
cudaEvent_t make_event();
void destroy(cudaEvent_t event) noexcept;
void record(cudaEvent_t event, cudaStream_t stream);
void wait(cudaEvent_t event);  ///< on the host
void wait_on_stream(cudaStream_t stream, cudaEvent_t event);
void synchronize(cudaStream_t stream);
/// Seconds that the device takes for what `work` starts on `stream`, on its own clock. Waits for
/// it.
double seconds_of(cudaStream_t stream, const std::function<void()>& work);

/// Between any two places; asynchronous where the host's side is pinned.
void copy(void* dst, const void* src, size_t bytes, cudaStream_t stream);
void zero(void* data, size_t bytes, cudaStream_t stream);

/// What `work` gives to the stream, which does not do it. To wait or to allocate within is an
/// error.
cudaGraph_t capture(cudaStream_t stream, const std::function<void()>& work);
cudaGraphExec_t instantiate(cudaGraph_t graph);
/// Gives `executable` the arguments of `graph`, for launches from now on. False, and nothing has
/// changed, where the two differ in more.
bool update(cudaGraphExec_t executable, cudaGraph_t graph);
void launch_graph(cudaGraphExec_t executable, cudaStream_t stream);
void destroy(cudaGraph_t graph) noexcept;
void destroy(cudaGraphExec_t executable) noexcept;

/// Throws Error "device.cuda", which names `what`, unless `error` is none.
void require(cudaError_t error, const char* what);
/// Throws Error "device.cuda", which names `op`, when a launch or copy since the last call failed.
void check_launch(const char* op);

}  // namespace causeway::cuda
