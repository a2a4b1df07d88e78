// The CUDA backend, the one header of cuda/ that the rest may include (train/runtime.cpp does).
// Free of CUDA types; a build without the CUDA toolkit has these functions too (backend_absent.cpp)
// and finds no device. Read next: cuda_backend.h, docs/tour.md.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/attention_kernel.h"
#include "core/backend.h"
#include "core/comm.h"
#include "core/product.h"

namespace causeway {

struct CudaDevice {
  std::string name;          ///< "NVIDIA H200"
  int major = 0, minor = 0;  ///< compute capability
  size_t memory = 0;         ///< bytes
  std::string address;       ///< on the machine's bus: "0000:3b:00"
};

struct CudaSearch {
  std::optional<CudaDevice> device;
  std::string why_not;  ///< for people, when there is none
};

/// The GPU that make_cuda_backend(device) would use. Never throws for want of one.
CudaSearch find_cuda_device(int device = 0);

/// How many GPUs this process sees; 0 where find_cuda_device() finds none.
int count_cuda_devices();

/// Bytes that the GPU of make_cuda_backend() could still lend.
size_t free_cuda_memory();

/// Throws Error "device.cuda", "device.no_cudnn" or "memory.device". `device`: which of those the
/// process sees.
std::unique_ptr<Backend> make_cuda_backend(int device = 0,
                                           AttentionKernel attention = AttentionKernel::Own);

/// Seconds from where the GPU of a CUDA backend begins with what `work` starts to where it has
/// ended, on its own clock. Waits for it.
double cuda_seconds_of(Backend& backend, const std::function<void()>& work);

/// Names what this thread does from now on, for a profiler; free of cost without one.
void show_cuda_phase(const std::string& name);

/// What a CUDA backend would need for the operations that it is told of, without a GPU; of cuDNN's
/// attention it knows nothing. Null in a build without the CUDA toolkit.
std::unique_ptr<Preparation> make_cuda_preparation(
    AttentionKernel attention = AttentionKernel::Own);

/// The libraries that compute on a GPU, as loaded: "cuBLASLt 13.0.2"; "" in a build without them.
std::string cuda_libraries();

/// What `backend`, made by make_cuda_backend(), met since the last call and goes on without.
std::vector<std::string> take_cuda_warnings(Backend& backend);

/// Measures the algorithms of a product on `backend`, made by make_cuda_backend(), where the
/// operands lie; y, pre and d_bias are overwritten. Throws like Backend::matmul, and Error
/// "device.missing" in a build without the CUDA toolkit.
TunedProduct tune_cuda_product(Backend& backend, const Matmul& op);

/// Where the ranks of an NCCL communicator meet.
struct NcclMeeting {
  int rank = 0, size = 1;
  std::unique_ptr<Communicator> host;  ///< carries the id and all host messages, e.g. MPI; or null:
  std::string address;                 ///< "10.0.0.1:29501", where rank 0 listens
};

/// "2.27.3", or "none: " and why.
std::string nccl_version();

/// The communicator of GPU ranks, one GPU each; `backend` is a CUDA backend and outlives it.
/// Tensors travel on a stream of their own, beside the computation. Throws Error "peer.nccl", or
/// "device.no_nccl" in a build without it, or where it cannot be loaded.
std::unique_ptr<Communicator> make_nccl_comm(Backend& backend, NcclMeeting meeting);

}  // namespace causeway
