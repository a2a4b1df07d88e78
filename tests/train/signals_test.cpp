// Signals set a flag; the second Ctrl-C ends the process; the former handlers come back.
#include "train/signals.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace causeway;

TEST_CASE("each of the three signals is remembered and the process goes on") {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const SignalGuard guard;
    CHECK(guard.received() == 0);
    raise(signal);
    CHECK(guard.received() == signal);
    raise(SIGTERM);  // a later one changes nothing
    CHECK(guard.received() == signal);
  }
}

TEST_CASE("a guard puts back the handlers it found") {
  static volatile std::sig_atomic_t calls = 0;
  const auto former = std::signal(SIGUSR1, [](int) { calls = calls + 1; });
  { const SignalGuard guard; }
  raise(SIGUSR1);
  CHECK(calls == 1);
  std::signal(SIGUSR1, former);
}

TEST_CASE("a second Ctrl-C ends the process at once, as the first would have without a guard") {
  const pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    const SignalGuard guard;
    raise(SIGINT);
    raise(SIGINT);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}
