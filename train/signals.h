// Signals only set a flag: the trainer looks at it between steps, saves, and exits with 75.
// Read next: trainer.h.
#pragma once
#include <csignal>
#include <functional>
#include <vector>

namespace causeway {

/// While one exists, SIGINT, SIGTERM and SIGUSR1 are remembered instead of ending the process. A
/// second SIGINT ends it at once, as if it had never been caught (a shell shows 130): nothing is
/// saved, older checkpoints stay valid. Make it on the main thread. The destructor puts the former
/// handlers back.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  /// The first signal received since this guard was made, or 0. Cheap: one relaxed load.
  int received() const;

 private:
  struct sigaction former_[3]{};
  stack_t former_stack_{};
  std::vector<char> stack_;  // the handler's own, see signals.cpp
};

/// Runs `start`, which makes a thread; that one will receive no signals. They are the training
/// thread's, whose handler has a stack of its own.
void without_signals(const std::function<void()>& start);

/// "SIGINT (Ctrl-C)", "SIGTERM", ... for messages.
const char* signal_name(int signal);

}  // namespace causeway
