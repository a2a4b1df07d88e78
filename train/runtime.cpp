// See runtime.h.
#include "train/runtime.h"

#include <algorithm>

#include "core/cpu/backend.h"
#include "core/error.h"
#include "cuda/backend.h"
#include "train/environment.h"
#include "train/terminal.h"

namespace causeway {
namespace {

/// A launcher may have bound this rank to its own cores, or left all cores to all ranks.
int fair_threads(int local_ranks) {
  const MachineLimits limits = read_machine_limits();
  return std::min(limits.cpus_allowed, std::max(1, limits.cpus_online / local_ranks));
}

Runtime cpu_runtime(const TrainConfig& train, int local_ranks) {
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

Runtime cuda_runtime(const CudaDevice& device) {
  return {.backend = make_cuda_backend(),
          .device = fmt::format("cuda ({}, {})", device.name,
                                format_bytes(static_cast<double>(device.memory))),
          .warning = ""};
}

}  // namespace

Runtime make_runtime(DeviceChoice device, const TrainConfig& train, int local_ranks) {
  if (device != DeviceChoice::Cpu) {
    const CudaSearch search = find_cuda_device();
    // Ranks that share a machine talk through host memory: `auto` then means its CPUs.
    if (search.device && (device == DeviceChoice::Cuda || local_ranks == 1))
      return cuda_runtime(*search.device);
    if (device == DeviceChoice::Cuda)
      throw Error({.id = "device.missing",
                   .where = "device: cuda",
                   .what = search.why_not,
                   .remedy = "use device: cpu (or auto); causeway doctor tells what was found"});
  }
  return cpu_runtime(train, local_ranks);
}

GpuReport report_gpu() {
  const CudaSearch search = find_cuda_device();
  if (!search.device) return {.text = "none: " + search.why_not, .found = false};
  const CudaDevice& device = *search.device;
  return {.text = fmt::format("{}, compute capability {}.{}, {}", device.name, device.major,
                              device.minor, format_bytes(static_cast<double>(device.memory))),
          .found = true};
}

}  // namespace causeway
