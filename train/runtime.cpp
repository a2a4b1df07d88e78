// See runtime.h.
#include "train/runtime.h"

#include <algorithm>
#include <cstdlib>

#include "core/cpu/backend.h"
#include "core/error.h"
#include "cuda/backend.h"
#include "train/comm_mpi.h"
#include "train/comm_staged.h"
#include "train/environment.h"
#include "train/measure.h"
#include "train/terminal.h"

namespace causeway {
namespace {

/// A launcher may have bound this rank to its own cores, or left all cores to all ranks.
int fair_threads(int local_ranks) {
  const MachineLimits limits = read_machine_limits();
  const double cpus =
      std::min<double>(limits.cpus_online, limits.cgroup_cpus.value_or(limits.cpus_online));
  return std::min(limits.cpus_allowed, std::max(1, static_cast<int>(cpus / local_ranks)));
}

std::unique_ptr<Communicator> join_cpu_ranks(const Launch& launch) {
  if (launch.size == 1) return std::make_unique<SingleComm>();
  if (launch.launcher != Launcher::Torchrun) return make_mpi_comm(launch);
  throw Error(
      {.id = "usage.no_mpi",
       .where = "device: cpu",
       .what = fmt::format("torchrun started {} ranks, but ranks on CPUs talk through MPI",
                           launch.size),
       .remedy = fmt::format("start them so: mpirun -np {} causeway train …", launch.size)});
}

double seconds_by_clock(const std::function<void()>& work) {
  const double begin = now_seconds();
  work();
  return now_seconds() - begin;
}

Runtime cpu_runtime(const TrainConfig& train, const Launch& launch) {
  const CpuOptions options{.threads = train.threads > 0 ? static_cast<int>(train.threads)
                                      : launch.size > 1 ? fair_threads(launch.local_size)
                                                        : 0};
  const CpuInfo info = cpu_info(options);
  Runtime runtime{.backend = make_cpu_backend(options),
                  .comm = join_cpu_ranks(launch),
                  .device = fmt::format("cpu ({}, {} thread{})", info.isa, info.threads,
                                        info.threads == 1 ? "" : "s"),
                  .warning = "",
                  .seconds_of = seconds_by_clock};
  if (train.precision == PrecisionChoice::Bf16 && !info.native_bf16)
    runtime.warning =
        "this CPU has no bf16 arithmetic: precision bf16 is slower here than fp32 (same results as "
        "on a CPU that has it are not promised to the bit)";
  return runtime;
}

/// Where rank 0 of torchrun's ranks listens for NCCL: beside torchrun's own store, which holds
/// MASTER_PORT. Throws Error "usage.launcher".
std::string nccl_address() {
  const char* host = std::getenv("MASTER_ADDR");
  const char* own_port = std::getenv("CAUSEWAY_PORT");
  const char* port = std::getenv("MASTER_PORT");
  if (host && own_port) return fmt::format("{}:{}", host, own_port);
  if (host && port && std::atoi(port) > 0) return fmt::format("{}:{}", host, std::atoi(port) + 1);
  throw Error({.id = "usage.launcher",
               .where = "MASTER_ADDR, MASTER_PORT",
               .what = "ranks were started without MPI, and these do not say where to meet",
               .remedy = "torchrun sets them; CAUSEWAY_PORT chooses another port than "
                         "MASTER_PORT + 1"});
}

std::unique_ptr<Communicator> join_gpu_ranks(const Launch& launch, Backend& backend) {
  if (launch.size == 1) return std::make_unique<SingleComm>();
  if (launch.launcher == Launcher::Torchrun)
    return make_nccl_comm(
        backend,
        {.rank = launch.rank, .size = launch.size, .host = nullptr, .address = nccl_address()});
  auto mpi = make_mpi_comm(launch);
  // A launcher that shows each rank one GPU of its own may have several ranks here all the same;
  // where they do share one, CAUSEWAY_STAGED says so.
  const int gpus = count_cuda_devices();
  const bool share = (gpus > 1 && gpus < launch.local_size) || std::getenv("CAUSEWAY_STAGED");
  if (mpi->any(share)) return make_staged_comm(std::move(mpi), backend);
  return make_nccl_comm(
      backend, {.rank = launch.rank, .size = launch.size, .host = std::move(mpi), .address = ""});
}

Runtime cuda_runtime(const CudaDevice& device, const Launch& launch) {
  Runtime runtime{.backend = make_cuda_backend(launch.local_rank % count_cuda_devices()),
                  .comm = nullptr,
                  .device = fmt::format("cuda ({}, {})", device.name,
                                        format_bytes(static_cast<double>(device.memory))),
                  .warning = ""};
  runtime.comm = join_gpu_ranks(launch, *runtime.backend);
  if (runtime.comm->name() == "staged")
    runtime.warning =
        "several ranks share a GPU: they talk through host memory, which is for trying, not for "
        "speed";
  return runtime;
}

}  // namespace

Runtime make_runtime(DeviceChoice device, const TrainConfig& train, const Launch& launch) {
  if (device != DeviceChoice::Cpu) {
    const CudaSearch search = find_cuda_device();
    if (search.device) return cuda_runtime(*search.device, launch);
    if (device == DeviceChoice::Cuda)
      throw Error({.id = "device.missing",
                   .where = "device: cuda",
                   .what = search.why_not,
                   .remedy = "use device: cpu (or auto); causeway doctor tells what was found"});
  }
  return cpu_runtime(train, launch);
}

std::unique_ptr<Preparation> prepare_elsewhere(DeviceChoice device) {
  const bool absent = device == DeviceChoice::Cuda && !find_cuda_device().device;
  return absent ? make_cuda_preparation() : nullptr;
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
