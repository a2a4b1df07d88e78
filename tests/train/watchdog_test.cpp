// The watchdog ends its process with exit code 8: seen from a parent. Read next: train/watchdog.h.
#include "train/watchdog.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/train/temp_folder.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {
namespace {

using Catch::Contains;

struct Ending {
  int exit_code;
  std::string said;
};

/// What becomes of a process that runs `action`, and ends with 0 when that returns.
Ending ending_of(const std::function<void()>& action) {
  const TempFolder folder;
  const std::string output = (folder / "stderr").string();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(output.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    action();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(output)};
}

void pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

}  // namespace

TEST_CASE("a rank that makes no progress is ended, at start-up and at the end too") {
  const Activity activity = GENERATE(Activity::Starting, Activity::Exchanging, Activity::Leaving);
  const Ending ending = ending_of([&] {
    Progress progress;
    Watchdog watchdog(progress, 3, 0.5);
    progress.beat(activity, 7);
    pause(10);
  });
  CHECK(ending.exit_code == 8);
  CHECK_THAT(ending.said, Contains("error[peer.hang] rank 3") && Contains("likely: another rank"));
  CHECK((ending.said.find("step 7") != std::string::npos) == (activity != Activity::Starting));
}

TEST_CASE("a rank that makes progress is left alone") {
  const Ending ending = ending_of([] {
    Progress progress;
    Watchdog watchdog(progress, 0, 1.0);
    watchdog.ask([] { return std::string(); });
    for (int i = 0; i < 20; ++i) progress.beat(Activity::Computing, i), pause(0.1);
  });
  CHECK(ending.exit_code == 0);
  CHECK(ending.said.empty());
}

TEST_CASE("a loss that the communicator knows of ends the rank long before the timeout") {
  const Ending ending = ending_of([] {
    Progress progress;
    Watchdog watchdog(progress, 1, 600.0);
    progress.beat(Activity::Sharing, 12);
    watchdog.ask([] { return std::string("NCCL reports: remote process exited"); });
    pause(10);
  });
  CHECK(ending.exit_code == 8);
  CHECK_THAT(ending.said, Contains("error[peer.lost] rank 1, step 12: NCCL reports: remote process "
                                   "exited while waiting for parameters"));
}

}  // namespace causeway::test
