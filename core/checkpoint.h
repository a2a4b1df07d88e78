// Checkpoints as folders that are whole or not there: written aside, synced, renamed, verified.
// Read next: checkpoint_manifest.h (what makes a folder valid), checkpoint.cpp (saving),
// checkpoint_resume.cpp (finding), checkpoint_prune.cpp (removing).
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint_manifest.h"

namespace causeway {

struct CheckpointInfo {
  std::filesystem::path folder;  ///< .../checkpoints/step-00001000
  int64_t step = 0;
  std::optional<double> val_loss;  ///< from the manifest, where it can be read and has one
};

/// A save under way: files are written into `folder`, which only its rename makes a checkpoint.
struct PendingCheckpoint {
  std::filesystem::path folder;  ///< .../checkpoints/.tmp-step-00001000-<process id>
  int64_t step = 0;
  std::optional<double> val_loss;
};

/// What a scan does with a damaged checkpoint.
enum class OnDamage {
  SetAside,  ///< renames it to bad-step-XXXXXXXX: for the process that owns the run
  Skip,      ///< changes nothing: for readers
};

/// What pruning spares besides the newest.
enum class KeepBest { No, Yes };

/// The checkpoints of one run. One process writes (run.lock sees to that), any number read.
///
/// Names in the folder: `step-X` a checkpoint · `.tmp-step-X-<pid>` being written · `.old-step-X`
/// replaced by a later save of the same step, kept until that one is verified ·
/// `.trash-step-X-<pid>` being deleted · `bad-step-X` damaged and set aside · `latest` a hint for
/// people and scripts.
class CheckpointStore {
 public:
  using WriteFiles = std::function<void(const std::filesystem::path& folder)>;

  /// `folder` is RUN/checkpoints; it is made at the first save.
  explicit CheckpointStore(std::filesystem::path folder);

  /// Removes what processes that died left behind. Call once, at start, before any save.
  /// Throws Error "disk.*".
  void clean_stale();

  /// begin, write_files, commit; on any exception abort, and the exception goes on. Older
  /// checkpoints are never touched. A save of a step that is already there, unchanged, keeps it.
  /// Throws what write_files throws, Error "disk.*", or "checkpoint.corrupt" when the new folder
  /// does not read back as it was written.
  CheckpointInfo save(int64_t step, std::optional<double> val_loss, const WriteFiles& write_files);

  /// The same in phases, for several ranks: rank 0 begins and tells the others the folder; all
  /// write into it with FileWriter (synced); they agree on success; rank 0 commits or aborts.
  PendingCheckpoint begin(int64_t step, std::optional<double> val_loss);
  CheckpointInfo commit(const PendingCheckpoint& pending);
  /// Throws nothing: what cannot be removed now is removed by the next start.
  void abort(const PendingCheckpoint& pending) noexcept;

  /// Newest first, by name; nothing verified.
  std::vector<CheckpointInfo> list() const;

  struct Found {
    std::optional<CheckpointInfo> checkpoint;  ///< verified; empty only when there is none at all
    std::vector<std::string> warnings;  ///< damaged ones passed over, and what became of them
  };
  /// The newest checkpoint that verifies. Damaged newer ones are set aside once a valid one is
  /// found. Throws Error "checkpoint.corrupt", and changes nothing, when there are checkpoints but
  /// none is valid: a run must not start over in silence.
  Found newest_valid(OnDamage on_damage = OnDamage::SetAside);

  /// The one with the lowest validation loss, by the manifests; of equals the newest.
  std::optional<CheckpointInfo> best() const;

  /// Deletes all but the newest `keep_last` (>= 1), the best if asked, and the newest valid one.
  /// Oldest first; each is renamed before it is deleted, so that a power cut leaves no half folder
  /// under a checkpoint's name. Throws Error "disk.*". Returns the steps removed.
  std::vector<int64_t> prune(int64_t keep_last, KeepBest keep_best);

 private:
  void publish(const PendingCheckpoint& pending, const std::filesystem::path& target);
  void restore_replaced();

  std::filesystem::path folder_;
  std::filesystem::path verified_;  // the last one verified here: prune need not read it again
};

}  // namespace causeway
