// What a run ran on: written to env.json, shown by `causeway doctor`. Read next: verb_doctor.cpp.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace causeway {

/// What the promise of equal bits depends on: build, library versions, and the instruction set or
/// the GPU's model. Also the CPU's name, for people. No time, host name or path.
struct Environment {
  std::string version, commit, build_type, compiler;
  std::string libraries;  ///< "fmt 9.1.0, yaml-cpp 0.7.0, ...", as found by the build
  std::string cpu;        ///< "AMD EPYC 9B14"
  std::string isa;        ///< what the CPU backend uses: "avx512+bf16"
  bool native_bf16 = false;
  int threads = 1;            ///< the CPU backend's default
  std::string gpu;            ///< model of the GPU that the run is on; "" on CPUs
  std::string gpu_libraries;  ///< as loaded, not as built: "cuBLASLt 13.0.2"; "" on CPUs
};
/// `gpu`, `gpu_libraries`: as in Environment, which cannot find them out by itself.
Environment read_environment(const std::string& gpu = "", const std::string& gpu_libraries = "");
Json to_json(const Environment& environment);
/// The part of it that must be equal for equal bits on the device in use: a run on GPUs does not
/// ask for the instruction set, nor one on CPUs for a GPU.
Json what_decides_bits(const Environment& environment);
/// What of that was otherwise in `before`, an env.json: "gpu: NVIDIA A100 before, NVIDIA H200 now".
/// What such a file does not tell counts as "?".
std::vector<std::string> changes_since(const Json& before, const Environment& now);

/// What control groups lend, version 1 or 2: of each the smallest of a group and all above it.
struct GroupLimits {
  std::optional<double> cpus;          ///< quota, in CPUs
  std::optional<int64_t> memory;       ///< bytes
  std::optional<int64_t> memory_free;  ///< bytes not used yet; pages of files that may go are free
};
/// `root`: where they are mounted; in a container that is the container's own group, though
/// `membership`, a file like /proc/self/cgroup, may name it as the host does.
GroupLimits read_control_groups(const std::filesystem::path& root,
                                const std::filesystem::path& membership);

/// What the machine lends this process now.
struct MachineLimits {
  int cpus_online = 1;
  int cpus_allowed = 1;  ///< by the affinity mask
  int64_t memory = 0;
  int64_t memory_free = 0;  ///< bytes that could be had without swapping, in the group's limits
  GroupLimits group;
};
MachineLimits read_machine_limits();

/// Memory that one rank may still take.
struct MemoryOffer {
  int64_t bytes = 0;  ///< 0: nobody can tell
  std::string whose;  ///< "this machine", "the GPU (NVIDIA H200)"
};
/// A fair part of the machine's free memory.
MemoryOffer host_memory_offer(int local_ranks);

}  // namespace causeway
