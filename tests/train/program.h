// Runs the built program as a user would: arguments in, exit code and output out.
#pragma once
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/places.h"
#include "tests/train/temp_folder.h"

namespace causeway::test {

/// How a Program is started.
struct Start {
  std::vector<std::string> launcher =
      {};                             ///< what stands before the program: mpirun and its options
  rlim_t most_bytes = RLIM_INFINITY;  ///< no file can grow larger, as on a full disk
};

/// A process of the program, its working directory `folder`, its output in FOLDER/output.txt.
class Program {
 public:
  Program(const std::filesystem::path& folder, std::vector<std::string> arguments,
          const Start& start = {})
      : folder_(folder) {
    // Until it is the program, the child must not run the test runner's handlers: they allocate,
    // and a signal that comes while it allocates itself would hang it.
    sigset_t every, before;
    ::sigfillset(&every);
    ::sigprocmask(SIG_SETMASK, &every, &before);
    process_ = ::fork();
    if (process_ == 0)
      for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGSEGV, SIGFPE, SIGILL, SIGABRT})
        std::signal(number, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (process_ != 0) return;
    const rlimit limit{start.most_bytes, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string output = (folder / "output.txt").string();
    if (!std::freopen(output.c_str(), "w", stdout) || ::dup2(1, 2) < 0 ||
        ::chdir(folder.c_str()) != 0)
      ::_exit(126);
    std::vector<char*> words;
    std::vector<std::string> command = start.launcher;
    command.push_back(program_path().string());
    command.insert(command.end(), arguments.begin(), arguments.end());
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }

  /// Of the process as it is now: a launcher's ranks.
  std::vector<pid_t> children() const {
    std::ifstream list(fmt::format("/proc/{0}/task/{0}/children", process_));
    return {std::istream_iterator<pid_t>(list), {}};
  }
  void signal(int number) { ::kill(process_, number); }

  /// The exit code, or 128 + the signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(process_, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  bool running() {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }

  std::string output() const { return read_text(folder_ / "output.txt"); }

 private:
  std::filesystem::path folder_;
  pid_t process_;
};

struct ProgramResult {
  int exit_code;
  std::string output;
};

inline ProgramResult run_program(const std::filesystem::path& folder,
                                 std::vector<std::string> arguments, const Start& start = {}) {
  Program program(folder, std::move(arguments), start);
  const int code = program.wait();
  return {code, program.output()};
}

}  // namespace causeway::test
