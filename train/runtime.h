// The one place that decides which device a run uses. After it, no code asks.
// Read next: launch.h (which rank this is), trainer.h.
#pragma once
#include <memory>
#include <string>

#include "core/backend.h"
#include "core/config.h"

namespace causeway {

struct Runtime {
  std::unique_ptr<Backend> backend;
  std::string device;   ///< "cpu (avx512+bf16, 2 threads)", "cuda (NVIDIA H200, 139.8 GiB)"
  std::string warning;  ///< what the user should know about the choice, or empty
};

/// `local_ranks`: how many ranks share this machine, and its cores where train.threads is 0. Throws
/// Error "device.missing" when the config asks for a device this build or machine lacks.
Runtime make_runtime(DeviceChoice device, const TrainConfig& train, int local_ranks = 1);

struct GpuReport {
  std::string text;  ///< "NVIDIA H200, compute capability 9.0, 139.8 GiB", or why there is none
  bool found = false;
};
/// What `device: cuda` would find, for `causeway doctor`.
GpuReport report_gpu();

}  // namespace causeway
