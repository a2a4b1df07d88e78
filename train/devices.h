// Devices: every rank describes what it found, and from all descriptions all ranks come to the same
// choice or the same refusal, before any of them waits for another. Read next: runtime.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "train/launch.h"

namespace causeway {

/// What one rank was asked to use and what it found.
struct RankDevice {
  DeviceChoice wanted = DeviceChoice::Auto;
  std::string machine;  ///< host name
  std::string gpu;      ///< model of the GPU it would use; "" where there is none
  std::string address;  ///< of that GPU on its machine's bus: "0000:3b:00"
  std::string why_not;  ///< for people, where there is none
  bool staged = false;  ///< CAUSEWAY_STAGED is set
};

/// As bytes for Communicator::gather.
std::string to_bytes(const RankDevice& device);
RankDevice rank_device(const std::string& bytes);

/// What ranks train on, and how they talk.
enum class Meeting : uint8_t { Cpus, Gpus, StagedGpus };

/// `ranks`: of all, by rank; one alone chooses too. Throws
/// - "config.ranks_differ" where they were asked for different devices;
/// - "device.missing" where `device: cuda` finds no GPU on some rank;
/// - "device.differs" where `device: auto` finds one on some ranks only;
/// - "device.shared" where two ranks would use one GPU, and no rank has CAUSEWAY_STAGED.
Meeting choose_meeting(const std::vector<RankDevice>& ranks);

/// How many of `ranks` use the GPU that `rank` uses, itself included.
int ranks_on_gpu_of(const std::vector<RankDevice>& ranks, int rank);

/// For ranks that cannot compare descriptions before NCCL has joined them (torchrun): throws
/// "device.shared" where this machine has more of them than the `gpus` that each of them sees.
/// `own_gpus`: each rank may have been shown GPUs of its own (CUDA_VISIBLE_DEVICES is set).
void require_gpu_each(const Launch& launch, int gpus, bool own_gpus);

}  // namespace causeway
