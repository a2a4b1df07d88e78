// See checkpoint.h: what a start finds. Nothing is trusted by its name; what is damaged is set
// aside and told, never deleted.
#include <fmt/format.h>

#include <algorithm>

#include "core/checkpoint.h"
#include "core/checkpoint_names.h"
#include "core/error.h"
#include "core/file.h"

namespace causeway {
namespace fs = std::filesystem;
using namespace checkpoint_names;
namespace {

bool starts_with(const std::string& name, std::string_view prefix) {
  return name.rfind(prefix, 0) == 0;
}

/// A name of the protocol that only a running save or prune may hold.
bool is_passing(const std::string& name) {
  return starts_with(name, kTemporary) || starts_with(name, kTrash) ||
         starts_with(name, std::string(kLatest) + ".tmp-");
}

}  // namespace

void CheckpointStore::clean_stale() {
  for (const std::string& name : names_in(folder_))
    if (is_passing(name) && owner_is_gone(name)) delete_all(folder_ / name);
}

/// Ends a replacement that was cut short: the new folder stays if it verifies, else the old
/// returns.
void CheckpointStore::restore_replaced() {
  for (const std::string& name : names_in(folder_)) {
    if (!starts_with(name, kReplaced)) continue;
    const fs::path target = folder_ / name.substr(kReplaced.size());
    if (fs::exists(target)) {
      if (verify_checkpoint(target).ok) {
        discard(folder_ / name);
        continue;
      }
      set_aside(target);
    }
    rename_durable(folder_ / name, target);
  }
}

std::vector<CheckpointInfo> CheckpointStore::list() const {
  std::vector<CheckpointInfo> all;
  for (const std::string& name : names_in(folder_)) {
    const std::optional<int64_t> step = parse_step(name);
    if (!step) continue;
    CheckpointInfo info{folder_ / name, *step, std::nullopt};
    try {
      info.val_loss = read_manifest(info.folder).val_loss;
    } catch (const Error&) {
      // Listed all the same: whether it is damaged is for verify_checkpoint to say.
    }
    all.push_back(info);
  }
  std::sort(all.begin(), all.end(),
            [](const CheckpointInfo& a, const CheckpointInfo& b) { return a.step > b.step; });
  return all;
}

CheckpointStore::Found CheckpointStore::newest_valid(OnDamage on_damage) {
  if (on_damage == OnDamage::SetAside) restore_replaced();
  Found found;
  std::vector<fs::path> damaged;
  std::string report;
  for (const CheckpointInfo& candidate : list()) {
    const Verification result = verify_checkpoint(candidate.folder);
    if (result.ok) {
      found.checkpoint = candidate;
      for (const std::string& note : result.notes)
        found.warnings.push_back(fmt::format("{}: {}", candidate.folder.string(), note));
      break;
    }
    damaged.push_back(candidate.folder);
    found.warnings.push_back(fmt::format("{} is damaged: {}", candidate.folder.string(),
                                         fmt::join(result.problems, "; ")));
  }
  if (damaged.empty() && !found.checkpoint) return found;
  if (!found.checkpoint)
    throw Error({.id = "checkpoint.corrupt",
                 .where = folder_.string(),
                 .what = fmt::format("none of its {} checkpoints is valid:\n  {}", damaged.size(),
                                     fmt::join(found.warnings, "\n  ")),
                 .remedy = "copy one back from elsewhere, or start anew with run.name=NEW"});
  verified_ = found.checkpoint->folder;
  if (on_damage == OnDamage::Skip) return found;
  for (size_t i = 0; i < damaged.size(); ++i) {
    const fs::path aside = set_aside(damaged[i]);
    found.warnings.push_back(fmt::format("set aside as {}", aside.filename().string()));
  }
  return found;
}

}  // namespace causeway
