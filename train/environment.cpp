// See environment.h.
#include "train/environment.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/cpu/backend.h"
#include "version.h"

namespace causeway {
namespace {

/// The value behind `name` in a file of "name : value" lines such as /proc/cpuinfo; "" if absent.
std::string proc_value(const char* path, const std::string& name) {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (!line.starts_with(name) || colon == std::string::npos) continue;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

/// "16384 kB" in bytes.
int64_t kibibytes(const std::string& text) {
  return std::strtoll(text.c_str(), nullptr, 10) * 1024;
}

/// The limits of this process's control group and all above it, version 2: the smallest counts.
/// Inside a container the mounted root is the container's own group.
void read_cgroup(MachineLimits& limits) {
  std::string group = proc_value("/proc/self/cgroup", "0:");  // "0::/user.slice/..."
  group = group.starts_with(':') ? group.substr(1) : "/";
  for (std::filesystem::path inner = group;; inner = inner.parent_path()) {
    const auto folder = std::filesystem::path("/sys/fs/cgroup") / inner.relative_path();
    double quota = 0, period = 0;
    if (std::ifstream(folder / "cpu.max") >> quota >> period && period > 0) {
      limits.cgroup_cpus = std::min(limits.cgroup_cpus.value_or(1e9), quota / period);
    }
    int64_t bytes = 0;  // "max" does not read as a number
    if (std::ifstream(folder / "memory.max") >> bytes) {
      limits.cgroup_memory = std::min(limits.cgroup_memory.value_or(INT64_MAX), bytes);
    }
    if (!inner.has_relative_path()) return;
  }
}

}  // namespace

Environment read_environment(const std::string& gpu, const std::string& gpu_libraries) {
  const CpuInfo cpu = cpu_info();
  return {.version = CAUSEWAY_VERSION,
          .commit = CAUSEWAY_COMMIT,
          .build_type = CAUSEWAY_BUILD_TYPE,
          .compiler = CAUSEWAY_COMPILER,
          .libraries = CAUSEWAY_LIBRARIES,
          .cpu = proc_value("/proc/cpuinfo", "model name"),
          .isa = cpu.isa,
          .native_bf16 = cpu.native_bf16,
          .threads = cpu.threads,
          .gpu = gpu,
          .gpu_libraries = gpu_libraries};
}

Json to_json(const Environment& e) {
  return {{"version", e.version},
          {"commit", e.commit},
          {"build_type", e.build_type},
          {"compiler", e.compiler},
          {"libraries", e.libraries},
          {"cpu", e.cpu},
          {"isa", e.isa},
          {"native_bf16", e.native_bf16},
          {"threads", e.threads},
          {"gpu", e.gpu},
          {"gpu_libraries", e.gpu_libraries}};
}

Json what_decides_bits(const Environment& environment) {
  Json json = to_json(environment);
  json.erase("cpu"), json.erase("threads");
  if (environment.gpu.empty())
    json.erase("gpu"), json.erase("gpu_libraries");
  else
    json.erase("isa"), json.erase("native_bf16");
  return json;
}

std::vector<std::string> changes_since(const Json& before, const Environment& now) {
  const auto text = [](const Json& object, const std::string& key) {
    const auto found = object.find(key);
    if (found == object.end()) return std::string("?");
    return found->is_string() ? found->get<std::string>() : found->dump();
  };
  const auto or_none = [](const std::string& value) { return value.empty() ? "none" : value; };
  Json counted = what_decides_bits(now);
  counted["gpu"] = now.gpu;  // a run may have left the GPUs
  std::vector<std::string> changes;
  for (const auto& [key, value] : counted.items()) {
    const std::string was = text(before, key), is = text(counted, key);
    if (was != is)
      changes.push_back(fmt::format("{}: {} before, {} now", key, or_none(was), or_none(is)));
  }
  return changes;
}

MachineLimits read_machine_limits() {
  MachineLimits limits;
  limits.cpus_online = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  limits.cpus_allowed = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed)
                                                                            : limits.cpus_online;
  limits.memory = kibibytes(proc_value("/proc/meminfo", "MemTotal"));
  limits.memory_free = kibibytes(proc_value("/proc/meminfo", "MemAvailable"));
  read_cgroup(limits);
  return limits;
}

MemoryOffer host_memory_offer(int local_ranks) {
  const MachineLimits limits = read_machine_limits();
  const int64_t lent = limits.cgroup_memory.value_or(limits.memory_free);
  return {.bytes = std::min(limits.memory_free, lent) / local_ranks, .whose = "this machine"};
}

}  // namespace causeway
