// Runs the built program as a user would: arguments in, exit code and output out.
#pragma once
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/places.h"
#include "tests/train/temp_folder.h"

namespace causeway::test {

/// A process of the program, its working directory `folder`, its output in FOLDER/output.txt. With
/// `most_bytes` no file of its can grow larger than that, as on a full disk.
class Program {
 public:
  Program(const std::filesystem::path& folder, std::vector<std::string> arguments,
          rlim_t most_bytes = RLIM_INFINITY)
      : folder_(folder) {
    process_ = ::fork();
    if (process_ != 0) return;
    const rlimit limit{most_bytes, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    const std::string output = (folder / "output.txt").string();
    if (!std::freopen(output.c_str(), "w", stdout) || ::dup2(1, 2) < 0 ||
        ::chdir(folder.c_str()) != 0)
      ::_exit(126);
    std::vector<char*> words;
    arguments.insert(arguments.begin(), program_path().string());
    for (std::string& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    ::execv(words[0], words.data());
    ::_exit(127);
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
                                 std::vector<std::string> arguments) {
  Program program(folder, std::move(arguments));
  const int code = program.wait();
  return {code, program.output()};
}

}  // namespace causeway::test
