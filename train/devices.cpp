// See devices.h.
#include "train/devices.h"

#include <algorithm>

#include "core/error.h"
#include "core/json.h"

namespace causeway {
namespace {

std::string_view name_of(DeviceChoice device) {
  switch (device) {
    case DeviceChoice::Cpu:
      return "cpu";
    case DeviceChoice::Cuda:
      return "cuda";
    case DeviceChoice::Auto:
      break;
  }
  return "auto";
}

bool same_gpu(const RankDevice& a, const RankDevice& b) {
  return !a.gpu.empty() && a.machine == b.machine && a.address == b.address;
}

/// "rank 3", "ranks 0, 1, 2, … (64 of them)".
std::string names_of(const std::vector<size_t>& ranks) {
  constexpr size_t kMost = 8;
  const std::vector<size_t> shown(ranks.begin(), ranks.begin() + std::min(ranks.size(), kMost));
  return fmt::format("rank{} {}{}", ranks.size() == 1 ? "" : "s", fmt::join(shown, ", "),
                     ranks.size() > kMost ? fmt::format(", … ({} of them)", ranks.size()) : "");
}

void require_same_wish(const std::vector<RankDevice>& ranks) {
  for (size_t r = 1; r < ranks.size(); ++r)
    if (ranks[r].wanted != ranks[0].wanted)
      throw Error({.id = "config.ranks_differ",
                   .where = fmt::format("ranks 0 and {}", r),
                   .what = fmt::format("they were asked for different devices: {} and {}",
                                       name_of(ranks[0].wanted), name_of(ranks[r].wanted)),
                   .remedy = "start all ranks with one command and one config"});
}

[[noreturn]] void refuse_missing(const std::vector<RankDevice>& ranks,
                                 const std::vector<size_t>& without) {
  const RankDevice& first = ranks[without[0]];
  if (ranks.size() == 1)
    throw Error({.id = "device.missing",
                 .where = "device: cuda",
                 .what = first.why_not,
                 .remedy = "use device: cpu (or auto); causeway doctor tells what was found"});
  throw Error({.id = first.wanted == DeviceChoice::Cuda ? "device.missing" : "device.differs",
               .where = fmt::format("device: {}", name_of(first.wanted)),
               .what = fmt::format("{} of {} ranks found no GPU: {} ({}: {})", without.size(),
                                   ranks.size(), names_of(without), first.machine, first.why_not),
               .remedy = "start ranks only where a GPU is (causeway doctor tells on each machine), "
                         "or set device: cpu for all"});
}

[[noreturn]] void refuse_shared(const std::vector<RankDevice>& ranks, size_t rank) {
  std::vector<size_t> sharing;
  for (size_t r = 0; r < ranks.size(); ++r)
    if (same_gpu(ranks[r], ranks[rank])) sharing.push_back(r);
  throw Error({.id = "device.shared",
               .where = ranks[rank].machine,
               .what = fmt::format("{} would share one GPU ({}, {}), which NCCL refuses",
                                   names_of(sharing), ranks[rank].gpu, ranks[rank].address),
               .remedy = "start one rank per GPU (mpirun -np N, srun --ntasks-per-node=N), and let "
                         "CUDA_VISIBLE_DEVICES show them all;\nto try several ranks on one GPU, "
                         "slowly: mpirun -x CAUSEWAY_STAGED=1 …"});
}

}  // namespace

std::string to_bytes(const RankDevice& d) {
  return Json{static_cast<int>(d.wanted), d.machine, d.gpu, d.address, d.why_not, d.staged}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

RankDevice rank_device(const std::string& bytes) {
  const Json json = Json::parse(bytes);
  return {.wanted = static_cast<DeviceChoice>(json[0].get<int>()),
          .machine = json[1],
          .gpu = json[2],
          .address = json[3],
          .why_not = json[4],
          .staged = json[5]};
}

Meeting choose_meeting(const std::vector<RankDevice>& ranks) {
  require_same_wish(ranks);
  if (ranks[0].wanted == DeviceChoice::Cpu) return Meeting::Cpus;
  std::vector<size_t> without;
  bool staged = false;
  for (size_t r = 0; r < ranks.size(); ++r) {
    if (ranks[r].gpu.empty()) without.push_back(r);
    staged |= ranks[r].staged;
  }
  const bool none = without.size() == ranks.size();
  if (none && ranks[0].wanted == DeviceChoice::Auto) return Meeting::Cpus;
  if (!without.empty()) refuse_missing(ranks, without);
  if (staged && ranks.size() > 1) return Meeting::StagedGpus;
  for (size_t r = 0; r < ranks.size(); ++r)
    if (ranks_on_gpu_of(ranks, static_cast<int>(r)) > 1) refuse_shared(ranks, r);
  return Meeting::Gpus;
}

int ranks_on_gpu_of(const std::vector<RankDevice>& ranks, int rank) {
  return static_cast<int>(std::count_if(ranks.begin(), ranks.end(), [&](const RankDevice& other) {
    return same_gpu(other, ranks[rank]);
  }));
}

void require_gpu_each(const Launch& launch, int gpus, bool own_gpus) {
  if (launch.local_size <= gpus || (gpus == 1 && own_gpus)) return;
  throw Error({.id = "device.shared",
               .where = std::string(launcher_name(launch.launcher)),
               .what = fmt::format("{} ranks were started on this machine, which shows {} GPU{}; "
                                   "each needs one of its own",
                                   launch.local_size, gpus, gpus == 1 ? "" : "s"),
               .remedy = fmt::format("torchrun --no-python --nproc-per-node {} causeway train …;\n"
                                     "to try several ranks on one GPU, slowly: CAUSEWAY_STAGED=1 "
                                     "mpirun -np {} causeway train …",
                                     gpus, launch.size)});
}

}  // namespace causeway
