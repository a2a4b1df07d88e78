// See together.h.
#include "train/together.h"

#include <unistd.h>

#include <chrono>
#include <future>
#include <set>

#include "core/checkpoint_names.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "train/signals.h"

namespace causeway {
namespace fs = std::filesystem;
namespace {

constexpr auto kTellEvery = std::chrono::milliseconds(200);

/// Paths and texts of users may be no UTF-8, which JSON must be.
std::string pack(const ErrorInfo& e) {
  return Json{e.id, e.where, e.what, e.remedy}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ErrorInfo unpack(const std::string& text) {
  const Json json = Json::parse(text);
  return {json[0], json[1], json[2], json[3]};
}

/// Throws Error "disk.not_shared" unless rank 0, who lists the files of the checkpoint, sees all
/// that the others see: a network file system may show it an old listing.
void require_all_seen(Communicator& comm, const fs::path& folder) {
  if (comm.size() == 1) return;
  const auto listing = checkpoint_names::names_in(folder);
  const std::vector<std::string> all = comm.gather(Json(listing).dump());
  const auto seen = Json::parse(all[0]).get<std::set<std::string>>();
  for (const std::string& names : all)
    for (const std::string& name : Json::parse(names).get<std::vector<std::string>>())
      if (!seen.contains(name))
        throw Error({.id = "disk.not_shared",
                     .where = (folder / name).string(),
                     .what = "rank 0 does not see this file, which another rank has written",
                     .remedy = "the file system is slow to tell; the next save tries again"});
}

}  // namespace

void together(Communicator& comm, const std::function<void()>& action) {
  if (comm.size() == 1) return action();
  std::optional<Error> own;
  try {
    action();
  } catch (const std::exception& error) {
    own = as_error(error);
  }
  const std::vector<std::string> failures = comm.gather(own ? pack(own->info()) : "");
  for (size_t r = 0; r < failures.size(); ++r) {
    if (failures[r].empty()) continue;
    if (own && static_cast<int>(r) == comm.rank()) throw Error(*own);
    ErrorInfo info = unpack(failures[r]);
    if (r > 0) info.what = fmt::format("rank {}: {}", r, info.what);
    throw Error(info);
  }
}

void together_alive(Communicator& comm, const std::function<void()>& action,
                    const std::function<void()>& beat) {
  if (comm.size() == 1) return action();
  std::future<void> work;
  without_signals([&] { work = std::async(std::launch::async, action); });
  const auto busy = [&] { return work.wait_for(kTellEvery) != std::future_status::ready; };
  while (comm.any(busy())) beat();
  together(comm, [&] { work.get(); });
}

std::string from_leader(Communicator& comm, const std::function<std::string()>& action) {
  std::string text;
  together(comm, [&] {
    if (comm.leads()) text = action();
  });
  return comm.broadcast(text);
}

void save_together(Communicator& comm, CheckpointStore& store, int64_t step,
                   std::optional<double> val_loss, const CheckpointStore::WriteFiles& write_files) {
  PendingCheckpoint pending;
  const fs::path folder = from_leader(comm, [&] {
    pending = store.begin(step, val_loss);
    return pending.folder.string();
  });
  try {
    together(comm, [&] { write_files(folder); });
    require_all_seen(comm, folder);
  } catch (const Error&) {
    if (comm.leads()) store.abort(pending);
    throw;
  }
  together(comm, [&] {
    if (!comm.leads()) return;
    try {
      store.commit(pending);
    } catch (...) {
      store.abort(pending);
      throw;
    }
  });
}

void require_shared_folder(Communicator& comm, const fs::path& folder) {
  if (comm.size() == 1) return;
  const std::string name = from_leader(comm, [&] {
    const std::string probe = fmt::format(".seen-by-all-{}", ::getpid());
    write_file(folder / probe, std::string_view("rank 0 was here\n"));
    return probe;
  });
  std::error_code ignored;
  const bool seen = fs::exists(folder / name, ignored);
  const auto all = comm.gather(seen ? "yes" : "no");
  if (comm.leads()) fs::remove(folder / name, ignored);
  for (int r = 0; r < comm.size(); ++r)
    if (all[r] == "no")
      throw Error({.id = "disk.not_shared",
                   .where = folder.string(),
                   .what = fmt::format("rank {} does not see what rank 0 writes here", r),
                   .remedy =
                       "point run.dir to a folder that all nodes share; every rank writes its "
                       "part of a checkpoint there"});
}

}  // namespace causeway
