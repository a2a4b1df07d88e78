// See runtime.h.
#include "train/runtime.h"

#include <algorithm>

#include "core/cpu/backend.h"
#include "core/error.h"
#include "train/environment.h"

namespace causeway {
namespace {

/// A launcher may have bound this rank to its own cores, or left all cores to all ranks.
int fair_threads(int local_ranks) {
  const MachineLimits limits = read_machine_limits();
  return std::min(limits.cpus_allowed, std::max(1, limits.cpus_online / local_ranks));
}

}  // namespace

Runtime make_runtime(DeviceChoice device, const TrainConfig& train, int local_ranks) {
  if (device == DeviceChoice::Cuda)
    throw Error({.id = "device.missing",
                 .where = "device: cuda",
                 .what = "this build has no CUDA backend",
                 .remedy = "use device: cpu (or auto)"});
  const CpuOptions options{.threads = train.threads > 0 ? static_cast<int>(train.threads)
                                      : local_ranks > 1 ? fair_threads(local_ranks)
                                                        : 0};
  const CpuInfo info = cpu_info(options);
  Runtime runtime{.backend = make_cpu_backend(options),
                  .device = fmt::format("cpu ({}, {} thread{})", info.isa, info.threads,
                                        info.threads == 1 ? "" : "s")};
  if (train.precision == PrecisionChoice::Bf16 && !info.native_bf16)
    runtime.warning =
        "this CPU has no bf16 arithmetic: precision bf16 is slower here than fp32 (same results as "
        "on a CPU that has it are not promised to the bit)";
  return runtime;
}

}  // namespace causeway
