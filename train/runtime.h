// The one place that decides which device a run uses and how its ranks talk. After it, no code
// asks. Read next: launch.h (which rank this is), trainer.h.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/backend.h"
#include "core/comm.h"
#include "core/config.h"
#include "train/launch.h"

namespace causeway {

struct Runtime {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Communicator> comm;
  std::string device;   ///< "cpu (avx512+bf16, 2 threads)", "cuda (NVIDIA H200, 139.8 GiB)"
  std::string warning;  ///< what the user should know about the choice, or empty
  /// Seconds that the device takes for what `work` starts on the backend, waited for.
  std::function<double(const std::function<void()>& work)> seconds_of;
};

/// Joins the other ranks of `launch`: CPUs by MPI; GPUs by NCCL, or, where ranks share a GPU, by
/// MPI through host memory. CPU ranks of one machine share its cores where train.threads is 0.
/// Throws Error "device.missing" when the config asks for a device this build or machine lacks;
/// "usage.no_mpi" when CPU ranks were started without MPI; "usage.launcher" when launcher and MPI
/// disagree.
Runtime make_runtime(DeviceChoice device, const TrainConfig& train, const Launch& launch = {});

/// What a GPU would need, for a plan of `device: cuda` on a machine without one; null where the
/// device is here, or the build knows nothing of it.
std::unique_ptr<Preparation> prepare_elsewhere(DeviceChoice device);

struct GpuReport {
  std::string text;  ///< "NVIDIA H200, compute capability 9.0, 139.8 GiB", or why there is none
  bool found = false;
};
/// What `device: cuda` would find, for `causeway doctor`.
GpuReport report_gpu();

}  // namespace causeway
