// `causeway doctor`: what this machine offers, and whether a run could work here. Read next:
// environment.h.
#include <chrono>
#include <filesystem>

#include "core/file.h"
#include "train/comm_mpi.h"
#include "train/environment.h"
#include "train/runtime.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

namespace fs = std::filesystem;

struct DiskCheck {
  std::string folder;
  int64_t free_bytes = 0;
  double write_seconds = 0;  ///< to write kProbeBytes and wait for the disk
};
constexpr size_t kProbeBytes = 8 << 20;

/// Writes, syncs and removes a file where a run would write, as a checkpoint does.
/// Throws Error "disk.*".
DiskCheck check_disk(const fs::path& folder) {
  // A folder that is not there yet is tried in its nearest parent; doctor leaves nothing behind.
  fs::path existing = fs::absolute(folder);
  while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
  const fs::path probe = existing / ".causeway-doctor";
  const auto start = std::chrono::steady_clock::now();
  try {
    write_file(probe, std::string(kProbeBytes, 'x'));
  } catch (const Error&) {
    std::error_code ignored;
    fs::remove(probe, ignored);
    throw;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::error_code failed;
  fs::remove(probe, failed);
  const auto space = fs::space(existing, failed);
  return {.folder = folder.string(),
          .free_bytes = failed ? 0 : static_cast<int64_t>(space.available),
          .write_seconds = took.count()};
}

void print_json(const Environment& e, const MachineLimits& m, const DiskCheck& disk) {
  const auto optional = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
  const GpuReport gpu = report_gpu();
  const Json json = {{"environment", to_json(e)},
                     {"cpus_online", m.cpus_online},
                     {"cpus_allowed", m.cpus_allowed},
                     {"cgroup_cpus", optional(m.group.cpus)},
                     {"memory", m.memory},
                     {"memory_free", m.memory_free},
                     {"cgroup_memory", optional(m.group.memory)},
                     {"disk_folder", disk.folder},
                     {"disk_free", disk.free_bytes},
                     {"disk_write_seconds", disk.write_seconds},
                     {"mpi", mpi_version()},
                     {"nccl", report_nccl()},
                     {"gpu", gpu.found ? Json(gpu.text) : Json(nullptr)}};
  fmt::print("{}\n", json.dump(2));
}

void print_text(const Environment& e, const MachineLimits& m, const DiskCheck& disk) {
  fmt::print("causeway {} ({}), {}, {}\n", e.version, e.commit, e.build_type, e.compiler);
  fmt::print("  libraries     {}\n", e.libraries);
  fmt::print("  cpu           {}\n", e.cpu);
  fmt::print(
      "  instructions  {}{}\n", e.isa,
      e.native_bf16 ? ", bf16 products in hardware" : ", no bf16: precision bf16 is slow here");
  fmt::print("  threads       {} ({} CPUs, {} allowed, control group {})\n", e.threads,
             m.cpus_online, m.cpus_allowed,
             m.group.cpus ? fmt::format("{:.1f}", *m.group.cpus) : "no limit");
  fmt::print("  memory        {}, {} free, control group {}\n",
             format_bytes(static_cast<double>(m.memory)),
             format_bytes(static_cast<double>(m.memory_free)),
             m.group.memory ? format_bytes(static_cast<double>(*m.group.memory)) : "no limit");
  fmt::print("  disk          {}: {} free, {} written and synced in {}\n", disk.folder,
             format_bytes(static_cast<double>(disk.free_bytes)), format_bytes(kProbeBytes),
             format_time(disk.write_seconds));
  fmt::print("  gpu           {}\n", report_gpu().text);
  fmt::print("  nccl          {}\n", report_nccl());
  fmt::print("  mpi           {}\n",
             mpi_version().empty() ? "none in this build: one process per run" : mpi_version());
}

class Doctor final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("--dir", folder_, "where runs would be written")->capture_default_str();
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const Environment environment = read_environment();
    const MachineLimits limits = read_machine_limits();
    const DiskCheck disk = check_disk(folder_);
    const auto print = format_ == OutputFormat::Json ? print_json : print_text;
    print(environment, limits, disk);
    return ExitCode::Ok;
  }

 private:
  std::string folder_ = RunConfig{}.dir;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_doctor() { return std::make_unique<Doctor>(); }

}  // namespace causeway
