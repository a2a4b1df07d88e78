// Progress: where this rank is, for the watchdog to look at and the trace to write down. Beaten by
// the training thread, a few times per micro-batch. Read next: watchdog.h, trace.h.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

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
  Leaving,
};

/// "computing", "waiting for gradients", …
std::string_view activity_name(Activity activity);

class Progress {
 public:
  /// `step` is 1-based. `bucket`: the one whose exchange begins now; −1: none does.
  void beat(Activity activity, int64_t step, int bucket = -1) {
    activity_.store(activity, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
    bucket_.store(bucket, std::memory_order_relaxed);
    beats_.fetch_add(1, std::memory_order_release);
    if (listener_) listener_(activity, step, bucket);
  }

  using Listener = std::function<void(Activity, int64_t step, int bucket)>;
  /// Called on the training thread with every beat from now on.
  void listen(Listener listener) { listener_ = std::move(listener); }

  struct Snapshot {
    uint64_t beats;  ///< grows with every beat
    Activity activity;
    int64_t step;
    int bucket;
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
  Listener listener_;
};

}  // namespace causeway
