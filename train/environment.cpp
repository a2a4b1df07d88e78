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

/// The number that the first of `files` begins with; none where there is no such file or number.
std::optional<int64_t> number_in(const fs::path& folder, std::initializer_list<const char*> files) {
  int64_t number = 0;
  for (const char* file : files)
    if (std::ifstream(folder / file) >> number) return number;
  return {};
}

/// Of one control group's folder, in version 2 or 1, which name their files differently; what it
/// sets no limit to stays as it is.
void read_group(const fs::path& folder, GroupLimits& limits) {
  double quota = 0, period = 0;
  if (!(std::ifstream(folder / "cpu.max") >> quota >> period)) {
    quota = static_cast<double>(number_in(folder, {"cpu.cfs_quota_us"}).value_or(-1));
    period = static_cast<double>(number_in(folder, {"cpu.cfs_period_us"}).value_or(0));
  }
  if (quota > 0 && period > 0) limits.cpus = std::min(limits.cpus.value_or(1e9), quota / period);
  // No limit is "max" in version 2, some pages less than 2⁶³ in version 1.
  const auto most = number_in(folder, {"memory.max", "memory.limit_in_bytes"});
  if (!most || *most > INT64_MAX / 2) return;
  const int64_t used = number_in(folder, {"memory.current", "memory.usage_in_bytes"}).value_or(0);
  std::string pages = value_in(folder / "memory.stat", "total_inactive_file", ' ');  // version 1
  if (pages.empty()) pages = value_in(folder / "memory.stat", "inactive_file", ' ');
  const int64_t free = *most - (used - std::strtoll(pages.c_str(), nullptr, 10));
  limits.memory = std::min(limits.memory.value_or(INT64_MAX), *most);
  limits.memory_free = std::min(limits.memory_free.value_or(INT64_MAX), std::max(free, kPage));
}

/// The same of it and all above it, up to `root`.
void read_groups(const fs::path& root, const fs::path& group, GroupLimits& limits) {
  for (fs::path inner = group;; inner = inner.parent_path()) {
    read_group(root / inner.relative_path(), limits);
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

GroupLimits read_control_groups(const fs::path& root, const fs::path& membership) {
  GroupLimits limits;
  std::ifstream lines(membership);  // "0::/user.slice/…" or "4:memory:/…" or "3:cpu,cpuacct:/…"
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") read_groups(root, group, limits);
    for (const char* controller : {"memory", "cpu"})
      if (controllers.find(fmt::format(",{},", controller)) != std::string::npos)
        read_groups(root / controller, group, limits);
  }
  return limits;
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
  limits.group = read_control_groups("/sys/fs/cgroup", "/proc/self/cgroup");
  limits.memory_free = std::min(limits.memory_free, limits.group.memory_free.value_or(INT64_MAX));
  return limits;
}

MemoryOffer host_memory_offer(int local_ranks) {
  return {.bytes = read_machine_limits().memory_free / local_ranks, .whose = "this machine"};
}

}  // namespace causeway
