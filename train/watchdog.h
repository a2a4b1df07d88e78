// Watchdog: ends a rank that makes no progress, so that a lost or stopped peer ends the whole job
// instead of leaving it waiting for ever. Read next: progress.h.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "train/progress.h"

namespace causeway {

class Watchdog {
 public:
  /// Watches from its own thread, which calls nothing but the clock. timeout in seconds; none:
  /// max(60, 10 × the longest pause between two beats so far), and at least 600 in the first two
  /// steps and while saving or sampling, which beat only once.
  Watchdog(const Progress& progress, int rank, std::optional<double> timeout);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch();
  /// Prints rank, step, activity and the likely cause, and ends the process with exit code 8.
  [[noreturn]] void give_up(double silent_seconds) const;

  const Progress& progress_;
  int rank_;
  std::optional<double> timeout_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;  // last: it uses the others
};

/// The message of give_up, for people.
std::string hang_message(int rank, const Progress::Snapshot& at, double silent_seconds);

}  // namespace causeway
