// See runtime.h.
#include "train/runtime.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "core/cpu/backend.h"
#include "core/error.h"
#include "cuda/backend.h"
#include "train/comm_mpi.h"
#include "train/comm_staged.h"
#include "train/devices.h"
#include "train/environment.h"
#include "train/measure.h"
#include "train/terminal.h"
#include "train/together.h"

namespace causeway {
namespace {

/// A launcher may have bound this rank to its own cores, or left all cores to all ranks.
int fair_threads(int local_ranks) {
  const MachineLimits limits = read_machine_limits();
  const double cpus =
      std::min<double>(limits.cpus_online, limits.group.cpus.value_or(limits.cpus_online));
  return std::min(limits.cpus_allowed, std::max(1, static_cast<int>(cpus / local_ranks)));
}

/// A communicator for the host, by which ranks agree and on CPUs do all they do; null under
/// torchrun, which has none.
std::unique_ptr<Communicator> join_hosts(const Launch& launch) {
  if (launch.size == 1) return std::make_unique<SingleComm>();
  if (launch.launcher == Launcher::Torchrun) return nullptr;
  return make_mpi_comm(launch);
}

void require_host(const Communicator* host, const Launch& launch) {
  if (host) return;
  throw Error(
      {.id = "usage.no_mpi",
       .where = "device: cpu",
       .what = fmt::format("torchrun started {} ranks, but ranks on CPUs talk through MPI",
                           launch.size),
       .remedy = fmt::format("start them so: mpirun -np {} causeway train …", launch.size)});
}

/// Of a device that has no clock of its own.
std::function<double(const std::function<void()>&)> clock_of(Backend& backend) {
  return [&backend](const std::function<void()>& work) {
    backend.synchronize();
    const double begin = now_seconds();
    work();
    backend.synchronize();
    return now_seconds() - begin;
  };
}

int gpu_of(const Launch& launch) { return launch.local_rank % std::max(1, count_cuda_devices()); }

RankDevice describe(DeviceChoice wanted, const Launch& launch) {
  char machine[256] = {};
  ::gethostname(machine, sizeof machine - 1);
  RankDevice mine{.wanted = wanted,
                  .machine = machine,
                  .gpu = "",
                  .address = "",
                  .why_not = "",
                  .staged = std::getenv("CAUSEWAY_STAGED") != nullptr};
  if (wanted == DeviceChoice::Cpu) return mine;
  const CudaSearch search = find_cuda_device(gpu_of(launch));
  mine.why_not = search.why_not;
  if (search.device) mine.gpu = search.device->name, mine.address = search.device->address;
  return mine;
}

Runtime cpu_runtime(const TrainConfig& train, const Launch& launch,
                    std::unique_ptr<Communicator> host) {
  require_host(host.get(), launch);
  if (train.attention_kernel == AttentionKernel::Cudnn)
    throw Error({.id = "device.no_cudnn",
                 .where = "train.attention_kernel: cudnn",
                 .what = "cuDNN's attention runs on GPUs, and this run is on a CPU",
                 .remedy = "train.attention_kernel=own; causeway doctor tells which GPU is found"});
  if (train.cuda_graph)
    throw Error({.id = "config.cuda_graph",
                 .where = "train.cuda_graph",
                 .what = "train.cuda_graph is true, but this run computes on the CPU",
                 .remedy = "leave it out, or run with device: cuda on a machine that has a GPU "
                           "(causeway doctor tells)"});
  const CpuOptions options{.threads = train.threads > 0 ? static_cast<int>(train.threads)
                                      : launch.size > 1 ? fair_threads(launch.local_size)
                                                        : 0};
  const CpuInfo info = cpu_info(options);
  Runtime runtime{.backend = make_cpu_backend(options),
                  .comm = std::move(host),
                  .device = fmt::format("cpu ({}, {} thread{})", info.isa, info.threads,
                                        info.threads == 1 ? "" : "s"),
                  .gpu = "",
                  .gpu_libraries = "",
                  .on_host_memory = true,
                  .sharers = launch.local_size,
                  .warning = "",
                  .yardstick = {.side = 1536, .seconds = 0.04},
                  .show_phase = [](const std::string&) {},
                  .seconds_of = {}};
  runtime.seconds_of = clock_of(*runtime.backend);
  if (train.precision == PrecisionChoice::Bf16 && !info.native_bf16)
    runtime.warning =
        "this CPU has no bf16 arithmetic: precision bf16 is slower here than fp32 (same results as "
        "on a CPU that has it are not promised to the bit)";
  return runtime;
}

std::unique_ptr<Communicator> join_gpus(const Launch& launch, Backend& backend,
                                        std::unique_ptr<Communicator> host) {
  if (launch.size == 1) return host;
  std::string address;
  if (!host) {
    require_gpu_each(launch, count_cuda_devices(), std::getenv("CUDA_VISIBLE_DEVICES"));
    address = nccl_address();
  }
  return make_nccl_comm(
      backend,
      {.rank = launch.rank, .size = launch.size, .host = std::move(host), .address = address});
}

Runtime cuda_runtime(const TrainConfig& train, const Launch& launch, Meeting meeting,
                     std::unique_ptr<Communicator> host) {
  const CudaDevice device = find_cuda_device(gpu_of(launch)).device.value();
  std::unique_ptr<Backend> backend;
  const auto make = [&] { backend = make_cuda_backend(gpu_of(launch), train.attention_kernel); };
  host ? together(*host, make) : make();  // one alone may lack cuDNN, or memory
  Runtime runtime{.backend = std::move(backend),
                  .comm = nullptr,
                  .device = fmt::format("cuda ({}, {})", device.name,
                                        format_bytes(static_cast<double>(device.memory))),
                  .gpu = device.name,
                  .gpu_libraries = cuda_libraries(),
                  .on_host_memory = false,
                  .sharers = 1,
                  .warning = "",
                  // A burst: a GPU that multiplies for 40 ms meets its power limit, and what is
                  // timed next is slower (docs/log.md).
                  .yardstick = {.side = 8192, .seconds = 0.004},
                  .show_phase = show_cuda_phase,
                  .seconds_of = {}};
  runtime.seconds_of = [&backend = *runtime.backend](const std::function<void()>& work) {
    return cuda_seconds_of(backend, work);
  };
  if (meeting == Meeting::Gpus) {
    runtime.comm = join_gpus(launch, *runtime.backend, std::move(host));
  } else {
    runtime.comm = make_staged_comm(std::move(host), *runtime.backend);
    runtime.warning =
        "CAUSEWAY_STAGED is set: ranks talk through host memory, which is for trying, not for "
        "speed";
  }
  return runtime;
}

}  // namespace

Runtime make_runtime(DeviceChoice device, const TrainConfig& train, const Launch& launch) {
  auto host = join_hosts(launch);
  const RankDevice mine = describe(device, launch);
  std::vector<RankDevice> ranks;
  if (host && launch.size > 1)
    for (const std::string& bytes : host->gather(to_bytes(mine)))
      ranks.push_back(rank_device(bytes));
  else
    ranks.push_back(mine);
  const Meeting meeting = choose_meeting(ranks);
  if (meeting == Meeting::Cpus) return cpu_runtime(train, launch, std::move(host));
  Runtime runtime = cuda_runtime(train, launch, meeting, std::move(host));
  if (ranks.size() > 1) runtime.sharers = ranks_on_gpu_of(ranks, launch.rank);
  return runtime;
}

MemoryOffer memory_offer(const Runtime& runtime) {
  if (runtime.gpu.empty()) return host_memory_offer(runtime.sharers);
  const size_t free = free_cuda_memory() / runtime.sharers + runtime.backend->scratch_bytes();
  return {.bytes = static_cast<int64_t>(free), .whose = fmt::format("the GPU ({})", runtime.gpu)};
}

std::vector<std::string> take_warnings(const Runtime& runtime) {
  if (runtime.gpu.empty()) return {};
  return take_cuda_warnings(*runtime.backend);
}

TunedProduct tune_product(const Runtime& runtime, const Matmul& op) {
  return tune_cuda_product(*runtime.backend, op);
}

std::string report_nccl() { return nccl_version(); }

std::unique_ptr<Preparation> prepare_elsewhere(DeviceChoice device, const TrainConfig& train) {
  const bool absent = device == DeviceChoice::Cuda && !find_cuda_device().device;
  return absent ? make_cuda_preparation(train.attention_kernel) : nullptr;
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
