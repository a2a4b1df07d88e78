// See checkpoint.h: which checkpoints stay.
#include <algorithm>

#include "core/checkpoint.h"
#include "core/checkpoint_names.h"
#include "core/error.h"

namespace causeway {
namespace fs = std::filesystem;

std::optional<CheckpointInfo> CheckpointStore::best() const {
  std::optional<CheckpointInfo> best;
  for (const CheckpointInfo& info : list())
    if (info.val_loss && (!best || *info.val_loss < *best->val_loss)) best = info;
  return best;
}

std::vector<int64_t> CheckpointStore::prune(int64_t keep_last, KeepBest keep_best) {
  CHECK(keep_last >= 1, "keep_last {}", keep_last);
  const std::vector<CheckpointInfo> all = list();
  std::vector<fs::path> kept;
  for (size_t i = 0; i < std::min(all.size(), static_cast<size_t>(keep_last)); ++i)
    kept.push_back(all[i].folder);
  if (keep_best == KeepBest::Yes)
    if (const auto best_one = best()) kept.push_back(best_one->folder);
  // Whatever the rules say, something to resume from stays. Usually the first has just been saved
  // and verified; only where it is damaged are older ones read.
  const auto valid = std::find_if(all.begin(), all.end(), [&](const CheckpointInfo& info) {
    return info.folder == verified_ || verify_checkpoint(info.folder).ok;
  });
  if (valid == all.end()) return {};
  kept.push_back(valid->folder);

  std::vector<int64_t> removed;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (std::find(kept.begin(), kept.end(), it->folder) != kept.end()) continue;
    checkpoint_names::discard(it->folder);
    removed.push_back(it->step);
  }
  return removed;
}

}  // namespace causeway
