// The folder of a run, runs/NAME/: where everything lies, who may write there. Read next:
// metrics.h, environment.h (env.json), core/checkpoint.h (checkpoints/).
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace causeway {

/// Names only; nothing is touched before create().
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path config() const { return root_ / "config.yaml"; }
  std::filesystem::path resolved_config() const { return root_ / "resolved.yaml"; }
  std::filesystem::path environment() const { return root_ / "env.json"; }
  std::filesystem::path log() const { return root_ / "train.log"; }
  std::filesystem::path metrics() const { return root_ / "metrics.jsonl"; }
  std::filesystem::path timing() const { return root_ / "timing.jsonl"; }
  std::filesystem::path trace(int rank) const {
    return root_ / ("trace-rank" + std::to_string(rank) + ".json");
  }
  std::filesystem::path samples() const { return root_ / "samples"; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path lock() const { return root_ / "run.lock"; }

  /// Makes the folder, samples/ and checkpoints/ where they are missing. Throws Error "disk.*".
  void create() const;

  /// The config file byte for byte, followed by the overrides as comments; and the resolved one.
  void write_configs(const std::string& given, const std::vector<std::string>& overrides,
                     const std::string& resolved) const;

  /// samples/step-00000500.txt; written again, identically, where a resumed run passes it again.
  void write_sample(int64_t step, const std::string& text) const;

 private:
  std::filesystem::path root_;
};

/// Held by the one process that writes into a run. The system lets go of it when the process ends,
/// however it ends; run.lock itself stays and names the last holder's process id.
class RunLock {
 public:
  /// Throws Error "usage.run_locked", naming the process that has the run, or "disk.*".
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace causeway
