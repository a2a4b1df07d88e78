// See runtime.h.
#include "train/runtime.h"

#include "core/cpu/backend.h"
#include "core/error.h"

namespace causeway {

Runtime make_runtime(DeviceChoice device, const TrainConfig& train) {
  if (device == DeviceChoice::Cuda)
    throw Error({.id = "device.missing",
                 .where = "device: cuda",
                 .what = "this build has no CUDA backend",
                 .remedy = "use device: cpu (or auto)"});
  const CpuOptions options{.threads = static_cast<int>(train.threads)};
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
