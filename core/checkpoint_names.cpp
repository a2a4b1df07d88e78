// See checkpoint_names.h.
#include "core/checkpoint_names.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "core/checkpoint_manifest.h"
#include "core/file.h"

namespace causeway::checkpoint_names {
namespace fs = std::filesystem;

std::optional<int64_t> parse_step(const std::string& name) {
  constexpr std::string_view kPrefix = "step-";
  if (name.rfind(kPrefix, 0) != 0) return std::nullopt;
  int64_t step = 0;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), step);
  // Only the one spelling that this program writes: no sign, no other width, no suffix.
  return step >= 0 && step_name(step) == name ? std::optional(step) : std::nullopt;
}

fs::path owned_path(const fs::path& folder, std::string_view prefix, const std::string& name) {
  return folder / fmt::format("{}{}-{}", prefix, name, ::getpid());
}

bool owner_is_gone(const std::string& name) {
  pid_t owner = 0;
  const char* digits = name.data() + name.rfind('-') + 1;
  std::from_chars(digits, name.data() + name.size(), owner);
  if (owner <= 0 || owner == ::getpid()) return true;
  return ::kill(owner, 0) != 0 && errno == ESRCH;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory)
    throw_disk_error(folder, "listed", error.value());
  std::sort(names.begin(), names.end());
  return names;
}

void delete_all(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw_disk_error(path, "deleted", error.value());
}

void discard(const fs::path& folder) {
  const fs::path trash = owned_path(folder.parent_path(), kTrash, folder.filename().string());
  delete_all(trash);
  rename_durable(folder, trash);
  delete_all(trash);
}

fs::path set_aside(const fs::path& folder) {
  const std::string name = std::string(kBad) + folder.filename().string();
  fs::path target = folder.parent_path() / name;
  for (int n = 2; fs::exists(target); ++n)
    target = folder.parent_path() / fmt::format("{}-{}", name, n);
  rename_durable(folder, target);
  return target;
}

}  // namespace causeway::checkpoint_names
