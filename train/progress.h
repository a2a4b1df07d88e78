// Progress: where this rank is, for the watchdog to look at. Written by the training thread, a few
// relaxed stores a step. Read next: watchdog.h.
#pragma once
#include <atomic>
#include <cstdint>

namespace causeway {

enum class Activity : uint8_t {
  Starting,
  Computing,   ///< forward and backward
  Exchanging,  ///< waiting for the others' gradients
  Updating,
  Sharing,  ///< waiting for the others' parameters, losses or flags
  Evaluating,
  Sampling,
  Saving,
};

class Progress {
 public:
  void beat(Activity activity, int64_t step, int bucket = -1) {
    activity_.store(activity, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
    bucket_.store(bucket, std::memory_order_relaxed);
    beats_.fetch_add(1, std::memory_order_release);
  }

  struct Snapshot {
    uint64_t beats;  ///< grows with every beat
    Activity activity;
    int64_t step;  ///< 1-based
    int bucket;    ///< −1: none
  };
  Snapshot look() const {
    const uint64_t beats = beats_.load(std::memory_order_acquire);
    return {beats, activity_.load(std::memory_order_relaxed), step_.load(std::memory_order_relaxed),
            bucket_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<uint64_t> beats_{0};
  std::atomic<Activity> activity_{Activity::Starting};
  std::atomic<int64_t> step_{0};
  std::atomic<int> bucket_{-1};
};

}  // namespace causeway
