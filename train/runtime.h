// The one place that decides which device a run uses and how its ranks talk. After it, no code
// asks. Read next: launch.h (which rank this is), trainer.h.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/backend.h"
#include "core/comm.h"
#include "core/config.h"
#include "train/environment.h"
#include "train/launch.h"

namespace causeway {

struct Runtime {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Communicator> comm;
  std::string device;  ///< "cpu (avx512+bf16, 2 threads)", "cuda (NVIDIA H200, 139.8 GiB)"
  std::string gpu;     ///< "NVIDIA H200"; "" on CPUs
  /// Tensors lie in this process's own memory: the host can read them and count their bytes.
  bool on_host_memory = true;
  int sharers = 1;      ///< ranks that share this rank's memory: of its machine, or on its GPU
  std::string warning;  ///< what the user should know about the choice, or empty
  /// Seconds that the device takes for what `work` starts on the backend, waited for.
  std::function<double(const std::function<void()>& work)> seconds_of;
};

/// Joins the other ranks of `launch`: CPUs by MPI; GPUs by NCCL, or, with CAUSEWAY_STAGED, by MPI
/// through host memory. All ranks choose the same, or throw the same (devices.h). CPU ranks of one
/// machine share its cores where train.threads is 0. Throws Error "usage.no_mpi" when CPU ranks
/// were started without MPI; "usage.launcher" when launcher and MPI disagree.
Runtime make_runtime(DeviceChoice device, const TrainConfig& train, const Launch& launch = {});

/// What the device's memory has left for this rank, the backend's scratch included: plans count it.
MemoryOffer memory_offer(const Runtime& runtime);

/// What a GPU would need, for a plan of `device: cuda` on a machine without one; null where the
/// device is here, or the build knows nothing of it.
std::unique_ptr<Preparation> prepare_elsewhere(DeviceChoice device);

struct GpuReport {
  std::string text;  ///< "NVIDIA H200, compute capability 9.0, 139.8 GiB", or why there is none
  bool found = false;
};
/// What `device: cuda` would find, for `causeway doctor`.
GpuReport report_gpu();
/// The version of NCCL that ranks on GPUs would use, or "none: " and why.
std::string report_nccl();

}  // namespace causeway
