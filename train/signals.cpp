// See signals.h.
#include "train/signals.h"

#include <unistd.h>

#include <atomic>

namespace causeway {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGUSR1};

// The one global of the program: a handler has no other way to reach anything.
std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

// Runs between any two instructions: only async-signal-safe calls here.
void remember(int signal) {
  int none = 0;
  const bool first = received_signal.compare_exchange_strong(none, signal);
  if (first || signal != SIGINT || none != SIGINT) return;
  static constexpr char kMessage[] =
      "\ninterrupted twice: leaving at once without saving; the last checkpoint stays valid\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  // The default action, so that a shell or a script's loop sees a death by SIGINT and stops too.
  std::signal(SIGINT, SIG_DFL);
  raise(SIGINT);
}

}  // namespace

// oneDNN's generated sgemm code parks the stack pointer in a heap buffer while it runs. A handler
// on that "stack" would write its frame over the heap before the buffer, so ours has a stack of its
// own (and the pool's threads receive no signals at all).
SignalGuard::SignalGuard() : stack_(64 * 1024) {
  received_signal = 0;
  const stack_t own{.ss_sp = stack_.data(), .ss_flags = 0, .ss_size = stack_.size()};
  sigaltstack(&own, &former_stack_);
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART | SA_ONSTACK;  // a save in progress is not disturbed
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &action, &former_[i]);
}

SignalGuard::~SignalGuard() {
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &former_[i], nullptr);
  sigaltstack(&former_stack_, nullptr);
}

void without_signals(const std::function<void()>& start) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  start();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

int SignalGuard::received() const { return received_signal.load(std::memory_order_relaxed); }

const char* signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT (Ctrl-C)";
    case SIGTERM:
      return "SIGTERM";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "a signal";
  }
}

}  // namespace causeway
