// Power cuts: a child saves (or prunes, or resumes) and is killed before each of its system calls
// that change files; whatever it leaves, the parent must find a whole checkpoint in it.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fstream>
#include <functional>
#include <set>

#include "tests/core/checkpoint_check.h"
// Last, so that CHECK means Catch2's.
#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;
namespace fs = std::filesystem;

namespace {

/// One system call that changes files.
struct Call {
  enum class Kind { Create, Write, Sync, Rename, Remove, Other } kind = Kind::Other;
  std::string path;  ///< of the file; of a rename, the old name
  std::string to;    ///< of a rename
};

std::string path_of_descriptor(pid_t child, uint64_t number) {
  std::error_code error;
  return fs::read_symlink(fmt::format("/proc/{}/fd/{}", child, number), error).string();
}

std::string text_at(pid_t child, uint64_t address) {
  std::string text;
  for (;; address += sizeof(long)) {
    const long word = ::ptrace(PTRACE_PEEKDATA, child, address, nullptr);
    const auto* bytes = reinterpret_cast<const char*>(&word);
    for (size_t i = 0; i < sizeof(long); ++i) {
      if (bytes[i] == '\0') return text;
      text += bytes[i];
    }
  }
}

/// What the child, stopped before a system call, is about to change; nothing for other calls.
std::optional<Call> pending_call(pid_t child) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0) return std::nullopt;
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return std::nullopt;
  const auto& args = info.entry.args;
  switch (static_cast<long>(info.entry.nr)) {
    case SYS_openat:
      if ((args[2] & O_CREAT) == 0) return std::nullopt;
      return Call{Call::Kind::Create, text_at(child, args[1]), ""};
    case SYS_write:
    case SYS_writev:
      return Call{Call::Kind::Write, path_of_descriptor(child, args[0]), ""};
    case SYS_fsync:
      return Call{Call::Kind::Sync, path_of_descriptor(child, args[0]), ""};
    case SYS_renameat:
    case SYS_renameat2:
      return Call{Call::Kind::Rename, text_at(child, args[1]), text_at(child, args[3])};
    case SYS_unlinkat:
      return Call{Call::Kind::Remove, "", ""};
    case SYS_mkdirat:
      return Call{Call::Kind::Create, text_at(child, args[1]), ""};
#ifdef SYS_rename  // the calls that only the older architectures have
    case SYS_rename:
      return Call{Call::Kind::Rename, text_at(child, args[0]), text_at(child, args[1])};
    case SYS_mkdir:
      return Call{Call::Kind::Create, text_at(child, args[0]), ""};
    case SYS_unlink:
    case SYS_rmdir:
      return Call{Call::Kind::Remove, text_at(child, args[0]), ""};
#endif
    default:
      return std::nullopt;
  }
}

/// The calls a child made; `finished` when it was not killed; empty when tracing is forbidden here.
struct Trace {
  bool allowed = true;
  bool finished = false;
  std::vector<Call> calls;
};

/// Runs `action` in a child and kills it before its call number `limit` (from 0) that changes
/// files.
Trace run_until(size_t limit, const std::function<void()>& action) {
  constexpr int kForbidden = 99;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kForbidden);
    ::raise(SIGSTOP);
    try {
      action();
    } catch (const Error&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  Trace trace;
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) {
    trace.allowed = false;
    return trace;
  }
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  for (;;) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) break;
    const std::optional<Call> call = pending_call(child);
    if (!call) continue;
    if (trace.calls.size() == limit) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return trace;
    }
    trace.calls.push_back(*call);
  }
  trace.finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  INFO("the child ended with status " << status);
  REQUIRE(trace.finished);
  return trace;
}

/// Cuts the power before every call of `action` on the folder `prepare` makes, and runs `check` on
/// what is left. Returns the calls of the whole action, none when tracing is forbidden.
size_t cut_everywhere(const std::function<void(const fs::path&)>& prepare,
                      const std::function<void(const fs::path&)>& action,
                      const std::function<void(const fs::path&)>& check) {
  for (size_t limit = 0;; ++limit) {
    const Scratch scratch;
    prepare(scratch.path);
    const Trace trace = run_until(limit, [&] { action(scratch.path); });
    if (!trace.allowed) {
      WARN("SKIPPED: ptrace is not allowed here, so no power can be cut");
      return 0;
    }
    INFO("cut before call " << limit);
    check(scratch.path);
    if (trace.finished) return limit;
  }
}

/// After a cut: the start cleans up, finds `found`, leaves no half names, and can save again.
void check_start(const fs::path& folder,
                 const std::function<bool(const CheckpointInfo&)>& expected) {
  CheckpointStore store(folder);
  store.clean_stale();
  const auto found = store.newest_valid();
  REQUIRE(found.checkpoint);
  REQUIRE(expected(*found.checkpoint));
  REQUIRE(found.warnings.empty());
  for (const CheckpointInfo& info : store.list()) REQUIRE(verify_checkpoint(info.folder).ok);
  for (const std::string& name : names(folder)) REQUIRE(name[0] != '.');
  REQUIRE(save_tiny(store, 9, "nine").step == 9);
}

}  // namespace

TEST_CASE("a power cut anywhere in a save leaves the older checkpoint or the whole new one") {
  bool old_seen = false, new_seen = false;
  const size_t calls = cut_everywhere(
      [](const fs::path& folder) {
        CheckpointStore store(folder);
        save_tiny(store, 1, "one");
      },
      [](const fs::path& folder) {
        CheckpointStore store(folder);
        save_tiny(store, 2, "two");
      },
      [&](const fs::path& folder) {
        check_start(folder, [&](const CheckpointInfo& info) {
          (info.step == 1 ? old_seen : new_seen) = true;
          return holds(info.folder, info.step == 1 ? "one" : "two");
        });
      });
  if (calls == 0) return;
  CHECK(calls > 20);
  CHECK((old_seen && new_seen));
}

TEST_CASE("a power cut while a step is replaced by a new save of it leaves one of the two") {
  bool old_seen = false, new_seen = false;
  const size_t calls = cut_everywhere(
      [](const fs::path& folder) {
        CheckpointStore store(folder);
        save_tiny(store, 1, "old");  // the only one: losing it would lose the run
      },
      [](const fs::path& folder) {
        CheckpointStore store(folder);
        save_tiny(store, 1, "new");
      },
      [&](const fs::path& folder) {
        check_start(folder, [&](const CheckpointInfo& info) {
          const bool is_old = holds(info.folder, "old");
          (is_old ? old_seen : new_seen) = true;
          return info.step == 1 && (is_old || holds(info.folder, "new"));
        });
      });
  if (calls > 0) CHECK((old_seen && new_seen));
}

TEST_CASE("a power cut while pruning leaves only whole checkpoints, the newest among them") {
  cut_everywhere(
      [](const fs::path& folder) {
        CheckpointStore store(folder);
        for (const int64_t step : {1, 2, 3, 4}) save_tiny(store, step, "x");
      },
      [](const fs::path& folder) { CheckpointStore(folder).prune(1, KeepBest::No); },
      [](const fs::path& folder) {
        check_start(folder, [](const CheckpointInfo& info) { return info.step == 4; });
      });
}

TEST_CASE("everything of a checkpoint is on the disk before its name is") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  const Trace trace = run_until(SIZE_MAX, [&] {
    store.save(1, std::nullopt, [](const fs::path& folder) {
      write_tiny(folder, "one");
      std::ofstream(folder / "careless.txt") << "a writer that does not sync\n";
    });
  });
  if (!trace.allowed) {
    WARN("SKIPPED: ptrace is not allowed here, so no calls can be seen");
    return;
  }
  std::set<std::string> unsynced;  // files written to, folders with new names
  bool renamed = false;
  for (const Call& call : trace.calls) {
    const std::string parent = fs::path(call.path).parent_path().string();
    if (call.kind == Call::Kind::Create) unsynced.insert({call.path, parent});
    if (call.kind == Call::Kind::Write) unsynced.insert(call.path);
    if (call.kind == Call::Kind::Sync) unsynced.erase(call.path);
    if (call.kind == Call::Kind::Rename && call.to == scratch.path / "step-00000001") {
      renamed = true;
      for (const std::string& path : unsynced) {
        INFO(path << " was not synced before the rename");
        CHECK(path.rfind(call.path, 0) != 0);
      }
      unsynced = {scratch.path.string()};
    }
  }
  CHECK(renamed);
  CHECK(unsynced.count(scratch.path.string()) == 0);  // the rename itself was synced, too
}
