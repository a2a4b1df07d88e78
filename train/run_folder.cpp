// See run_folder.h.
#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "core/file.h"

namespace causeway {

void RunFolder::create() const {
  make_folder(samples());
  make_folder(checkpoints());
}

void RunFolder::write_configs(const std::string& given, const std::vector<std::string>& overrides,
                              const std::string& resolved) const {
  std::string text = given;
  if (!text.empty() && text.back() != '\n') text += '\n';
  for (const auto& override_text : overrides) {
    std::string one_line = override_text;
    for (char& c : one_line)
      if (c == '\n' || c == '\r') c = ' ';  // or the rest would be config, not comment
    text += "# on the command line: " + one_line + "\n";
  }
  replace_file(config(), text);
  replace_file(resolved_config(), resolved);
}

void RunFolder::write_sample(int64_t step, const std::string& text) const {
  replace_file(samples() / fmt::format("step-{:08}.txt", step), text);
}

RunLock::RunLock(const RunFolder& folder) {
  const auto path = folder.lock();
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) throw_disk_error(path, "open", errno);
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    char holder[32] = {};
    const ssize_t length = pread(file_, holder, sizeof holder - 1, 0);
    ::close(file_);
    if (reason != EWOULDBLOCK) throw_disk_error(path, "lock", reason);
    std::string process(holder, length > 0 ? static_cast<size_t>(length) : 0);
    process = process.substr(0, process.find('\n'));
    throw Error({.id = "usage.run_locked",
                 .where = folder.root().string(),
                 .what = process.empty() ? std::string("another process is training this run")
                                         : fmt::format("process {} is training this run", process),
                 .remedy = "wait for it or stop it (kill -INT saves first); "
                           "or start another run: run.name=NEW"});
  }
  // Only for that message, so a failure to write it is no failure.
  const std::string process = std::to_string(getpid()) + "\n";
  [[maybe_unused]] const bool written =
      ftruncate(file_, 0) == 0 && pwrite(file_, process.data(), process.size(), 0) > 0;
}

RunLock::~RunLock() { ::close(file_); }

}  // namespace causeway
