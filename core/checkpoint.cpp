// See checkpoint.h: saving. The order of the steps is the protocol: at any power cut the folder
// holds the older checkpoints and either all of the new one or none of it.
#include "core/checkpoint.h"

#include <fmt/format.h>

#include <utility>

#include "core/checkpoint_names.h"
#include "core/error.h"
#include "core/file.h"

namespace causeway {
namespace fs = std::filesystem;
using namespace checkpoint_names;

CheckpointStore::CheckpointStore(fs::path folder) : folder_(std::move(folder)) {}

CheckpointInfo CheckpointStore::save(int64_t step, std::optional<double> val_loss,
                                     const WriteFiles& write_files) {
  const PendingCheckpoint pending = begin(step, val_loss);
  try {
    write_files(pending.folder);
    return commit(pending);
  } catch (...) {  // whatever it is, the half-written folder goes, and the caller hears of it
    abort(pending);
    throw;
  }
}

PendingCheckpoint CheckpointStore::begin(int64_t step, std::optional<double> val_loss) {
  CHECK(step >= 0, "step {}", step);
  PendingCheckpoint pending;
  pending.folder = owned_path(folder_, kTemporary, step_name(step));
  pending.step = step;
  pending.val_loss = val_loss;
  delete_all(pending.folder);  // of an earlier try that could not be removed
  make_folder(pending.folder);
  return pending;
}

CheckpointInfo CheckpointStore::commit(const PendingCheckpoint& pending) {
  const Manifest manifest = write_manifest(pending.folder, pending.step, pending.val_loss);
  sync_folder(pending.folder);
  const fs::path target = folder_ / step_name(pending.step);
  const CheckpointInfo info{target, manifest.step, manifest.val_loss};
  if (fs::exists(target)) {
    const Verification existing = verify_checkpoint(target);
    if (existing.ok && existing.manifest == manifest) {  // saved again right after a resume
      delete_all(pending.folder);
      verified_ = target;
      return info;
    }
    if (!existing.ok) set_aside(target);
  }
  publish(pending, target);
  return info;
}

/// Renames the folder into place and proves that it reads back.
void CheckpointStore::publish(const PendingCheckpoint& pending, const fs::path& target) {
  const fs::path replaced = folder_ / (std::string(kReplaced) + target.filename().string());
  // From here until the rename below, the step exists only under its .old name: a scan brings it
  // back (restore_replaced). Renaming over a folder that is not empty is not possible.
  if (fs::exists(target)) rename_durable(target, replaced);
  try {
    rename_durable(pending.folder, target);
    const Verification read_back = verify_checkpoint(target);
    if (!read_back.ok)
      throw Error({.id = "checkpoint.corrupt",
                   .where = target.string(),
                   .what = fmt::format("does not read back as it was written: {}",
                                       fmt::join(read_back.problems, "; ")),
                   .remedy = "the disk or the memory of this machine is failing; older checkpoints "
                             "are untouched"});
  } catch (const Error& error) {
    if (error.id() == "checkpoint.corrupt") set_aside(target);
    restore_replaced();
    throw;
  }
  verified_ = target;
  if (fs::exists(replaced)) discard(replaced);
  try {
    replace_file(folder_ / kLatest, target.filename().string() + "\n");
  } catch (const Error&) {
    // A hint for people: nothing here reads it, and the checkpoint is whole without it.
  }
}

void CheckpointStore::abort(const PendingCheckpoint& pending) noexcept {
  std::error_code ignored;  // the next start removes what is left
  fs::remove_all(pending.folder, ignored);
}

}  // namespace causeway
