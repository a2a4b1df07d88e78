// The CUDA backend, the one header of cuda/ that the rest may include (train/runtime.cpp does).
// Free of CUDA types; a build without the CUDA toolkit has these functions too (backend_absent.cpp)
// and finds no device. Read next: cuda_backend.h, docs/tour.md.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "core/backend.h"

namespace causeway {

struct CudaDevice {
  std::string name;          ///< "NVIDIA H200"
  int major = 0, minor = 0;  ///< compute capability
  size_t memory = 0;         ///< bytes
};

struct CudaSearch {
  std::optional<CudaDevice> device;
  std::string why_not;  ///< for people, when there is none
};

/// The GPU that make_cuda_backend() would use. Never throws for want of one.
CudaSearch find_cuda_device();

/// Throws Error "device.cuda" or "memory.device".
std::unique_ptr<Backend> make_cuda_backend();

}  // namespace causeway
