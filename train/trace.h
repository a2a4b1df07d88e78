// Trace: what this rank did in the first steps of a process, as a file for chrome://tracing or
// ui.perfetto.dev. It listens to the same beats as the watchdog. Two rows: what the training thread
// does, and which buckets are in flight meanwhile; where "waiting for gradients" is short, their
// exchange was hidden behind the backward pass. Every beat waits for the device first, so that a
// GPU's times are of its work and its waits, not of enqueueing. Read next: progress.h,
// docs/scaling.md.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "train/progress.h"

namespace causeway {

class Trace {
 public:
  /// `wait_for_device` returns when all that was enqueued is done; before every look at the clock.
  Trace(int rank, std::function<void()> wait_for_device)
      : rank_(rank), wait_for_device_(std::move(wait_for_device)) {}

  /// One beat, now: the former activity ends; a bucket's exchange begins.
  void beat(Activity activity, int64_t step, int bucket);
  /// The activity under way ends now.
  void end();
  /// {"traceEvents": [...]}: complete events, times in µs since the first beat.
  void write(const std::filesystem::path& path) const;

 private:
  struct Event {
    std::string name;
    int row;  ///< 0 the training thread, 1 + n the n-th bucket in flight
    double begin, end;
  };

  int rank_;
  std::function<void()> wait_for_device_;
  std::vector<Event> events_;
  std::vector<Event> in_flight_;
  Activity activity_ = Activity::Starting;
  double since_ = 0, first_ = 0;
};

}  // namespace causeway
