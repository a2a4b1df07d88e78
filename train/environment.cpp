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
namespace fs = std::filesystem;
namespace {

constexpr int64_t kPage = 4096;  // the least that is ever free: 0 would mean that nobody can tell

/// The value behind `name` in a file of lines "name : value" such as /proc/cpuinfo; "" if absent.
std::string value_in(const fs::path& path, std::string_view name, char separator = ':') {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    const size_t end = line.find(separator);
    if (!line.starts_with(name) || end == std::string::npos) continue;
    const size_t value = line.find_first_not_of(" \t", end + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

/// "16384 kB" in bytes.
int64_t kibibytes(const std::string& text) {
  return std::strtoll(text.c_str(), nullptr, 10) * 1024;
}

/// Of one control group's folder; what it sets no limit to stays as it is.
void read_group(const fs::path& folder, GroupLimits& limits) {
  double quota = 0, period = 0;
  if (std::ifstream(folder / "cpu.max") >> quota >> period && period > 0)
    limits.cpus = std::min(limits.cpus.value_or(1e9), quota / period);
  int64_t most = 0, used = 0;  // "max" does not read as a number
  if (!(std::ifstream(folder / "memory.max") >> most)) return;
  std::ifstream(folder / "memory.current") >> used;
  const int64_t pages =
      std::strtoll(value_in(folder / "memory.stat", "inactive_file", ' ').c_str(), nullptr, 10);
  const int64_t free = std::max(most - (used - pages), kPage);
  limits.memory = std::min(limits.memory.value_or(INT64_MAX), most);
  limits.memory_free = std::min(limits.memory_free.value_or(INT64_MAX), free);
}

}  // namespace

Environment read_environment(const std::string& gpu, const std::string& gpu_libraries) {
  const CpuInfo cpu = cpu_info();
  return {.version = CAUSEWAY_VERSION,
          .commit = CAUSEWAY_COMMIT,
          .build_type = CAUSEWAY_BUILD_TYPE,
          .compiler = CAUSEWAY_COMPILER,
          .libraries = CAUSEWAY_LIBRARIES,
          .cpu = value_in("/proc/cpuinfo", "model name"),
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

GroupLimits read_control_groups(const fs::path& root, const fs::path& group) {
  GroupLimits limits;
  for (fs::path inner = group;; inner = inner.parent_path()) {
    read_group(root / inner.relative_path(), limits);
    if (!inner.has_relative_path()) return limits;
  }
}

MachineLimits read_machine_limits() {
  MachineLimits limits;
  limits.cpus_online = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  limits.cpus_allowed = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed)
                                                                            : limits.cpus_online;
  limits.memory = kibibytes(value_in("/proc/meminfo", "MemTotal"));
  limits.memory_free = kibibytes(value_in("/proc/meminfo", "MemAvailable"));
  std::string group = value_in("/proc/self/cgroup", "0:");  // "0::/user.slice/..."
  group = group.starts_with(':') ? group.substr(1) : "/";
  limits.group = read_control_groups("/sys/fs/cgroup", group);
  limits.memory_free = std::min(limits.memory_free, limits.group.memory_free.value_or(INT64_MAX));
  return limits;
}

MemoryOffer host_memory_offer(int local_ranks) {
  return {.bytes = read_machine_limits().memory_free / local_ranks, .whose = "this machine"};
}

}  // namespace causeway
