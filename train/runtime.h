// The one place that decides which device a run uses and how its ranks talk. After it, no code
// asks. Read next: launch.h (which rank this is), trainer.h.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/comm.h"
#include "core/config.h"
#include "core/product.h"
#include "train/environment.h"
#include "train/launch.h"

namespace causeway {

/// A square product large enough for a device, and how long it is measured beside other work.
struct Yardstick {
  int64_t side;
  double seconds;
};

struct Runtime {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Communicator> comm;
  std::string device;         ///< "cpu (avx512+bf16, 2 threads)", "cuda (NVIDIA H200, 139.8 GiB)"
  std::string gpu;            ///< "NVIDIA H200"; "" on CPUs
  std::string gpu_libraries;  ///< "cuBLASLt 13.0.2", as loaded; "" on CPUs
  /// Tensors lie in this process's own memory: the host can read them and count their bytes.
  bool on_host_memory = true;
  int sharers = 1;      ///< ranks that share this rank's memory: of its machine, or on its GPU
  std::string warning;  ///< what the user should know about the choice, or empty
  Yardstick yardstick = {};
  /// Names what this thread does from now on, in the timeline of a GPU's profiler.
  std::function<void(const std::string& name)> show_phase;
  /// Seconds that the device takes for what `work` starts on the backend, waited for: by the clock,
  /// on a GPU by its events.
  std::function<double(const std::function<void()>& work)> seconds_of;
};

/// Joins the other ranks of `launch`: CPUs by MPI; GPUs by NCCL, or, with CAUSEWAY_STAGED, by MPI
/// through host memory. All ranks choose the same, or throw the same (devices.h). CPU ranks of one
/// machine share its cores where train.threads is 0. Throws Error "usage.no_mpi" when CPU ranks
/// were started without MPI; "usage.launcher" when launcher and MPI disagree.
Runtime make_runtime(DeviceChoice device, const TrainConfig& train, const Launch& launch = {});

/// What the device's memory has left for this rank, the backend's scratch included: plans count it.
MemoryOffer memory_offer(const Runtime& runtime);

/// What the backend met while it was made ready for a run: for people, once.
std::vector<std::string> take_warnings(const Runtime& runtime);

/// Measures the algorithms of a product on a GPU, where its operands lie; y, pre and d_bias are
/// overwritten.
TunedProduct tune_product(const Runtime& runtime, const Matmul& op);

/// What a GPU would need, for a plan of `device: cuda` on a machine without one; null where the
/// device is here, or the build knows nothing of it.
std::unique_ptr<Preparation> prepare_elsewhere(DeviceChoice device, const TrainConfig& train);

struct GpuReport {
  std::string text;  ///< "NVIDIA H200, compute capability 9.0, 139.8 GiB", or why there is none
  bool found = false;
};
/// What `device: cuda` would find, for `causeway doctor`.
GpuReport report_gpu();
/// The version of NCCL that ranks on GPUs would use, or "none: " and why.
std::string report_nccl();

}  // namespace causeway
