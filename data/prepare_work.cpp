// See prepare_work.h.
#include "data/prepare_work.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

constexpr const char *kLock = "lock", *kNote = "progress.json";

/// An exclusive lock on the folder's lock file; −1: somebody else has it, or has just finished.
int lock_folder(const fs::path& folder) {
  const fs::path path = folder / kLock;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) throw_disk_error(path, "opening", errno);
  struct stat ours {
  }, there{};
  // The former owner may have renamed the folder between our open and our lock.
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 && ::fstat(file, &ours) == 0 &&
      ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino)
    return file;
  ::close(file);
  return -1;
}

}  // namespace

PrepareWork::PrepareWork(const fs::path& output) {
  const std::string name = output.filename().string();
  folder_ = output.parent_path() / (".partial-" + name);
  make_folder(folder_);
  lock_ = lock_folder(folder_);
  if (lock_ >= 0) return;
  folder_ = output.parent_path() / fmt::format(".partial-{}-{}", name, getpid());
  make_folder(folder_);
  lock_ = lock_folder(folder_);
}

PrepareWork::~PrepareWork() {
  std::error_code ignored;
  if (!kept_) fs::remove_all(folder_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

PrepareNote PrepareWork::note(const std::string& key) const {
  const fs::path path = folder_ / kNote;
  if (!fs::exists(path)) return {};
  const Json json = parse_json(read_file(path), path.string());
  if (json_get<std::string>(json, "key", path.string()) != key) return {};
  return {json_get<int64_t>(json, "batches", path.string()),
          json_get<std::vector<int64_t>>(json, "sizes", path.string())};
}

void PrepareWork::write_note(const std::string& key, const PrepareNote& note) {
  const Json json = {{"key", key}, {"batches", note.batches}, {"sizes", note.sizes}};
  replace_file(folder_ / kNote, json.dump() + "\n");
}

void PrepareWork::publish(const fs::path& output) {
  for (const char* name : {kNote, kLock}) fs::remove(folder_ / name);
  sync_folder(folder_);
  rename_durable(folder_, output);
  kept_ = true;
}

}  // namespace causeway
