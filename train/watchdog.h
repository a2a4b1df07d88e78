// Watchdog: ends a rank that makes no progress, so that a lost or stopped peer ends the whole job
// instead of leaving it waiting for ever. Read next: progress.h.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "train/progress.h"

namespace causeway {

class Watchdog {
 public:
  /// Watches from its own thread, which calls nothing but the clock and ask()'s function. timeout
  /// in seconds; none: max(60, 10 × the longest pause between two beats of training so far), and at
  /// least 600 while starting, in the first two steps, and while saving or sampling, which beat
  /// only once.
  Watchdog(const Progress& progress, int rank, std::optional<double> timeout);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From now on `failure` is asked as well, from the watchdog's thread; where it returns why a
  /// rank is lost, that ends this one. Empty: nothing is asked.
  void ask(std::function<std::string()> failure);

 private:
  void watch();
  /// Prints and ends the process with exit code 8.
  [[noreturn]] void give_up(const std::string& message) const;

  const Progress& progress_;
  int rank_;
  std::optional<double> timeout_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::function<std::string()> failure_;
  std::thread thread_;  // last: it uses the others
};

/// What it says before it ends a rank: where that was, and the likely cause.
std::string hang_message(int rank, const Progress::Snapshot& at, double silent_seconds);
std::string loss_message(int rank, const Progress::Snapshot& at, const std::string& failure);

}  // namespace causeway
