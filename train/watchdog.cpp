// See watchdog.h.
#include "train/watchdog.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "core/error.h"

namespace causeway {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLookEvery = std::chrono::milliseconds(200);
constexpr double kLeastAutoTimeout = 60, kSlowestTimes = 10, kPatientTimeout = 600;

double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

/// What it most likely means that nothing moves.
std::string_view likely_cause(Activity activity) {
  switch (activity) {
    case Activity::Computing:
      return "this process is stuck or starved: look at its machine (top, dmesg)";
    case Activity::Sampling:
      return "rank 0 writes a sample while the others wait: it may be stuck";
    case Activity::Saving:
      return "the disk is slow or gone, or another rank is: look at the run's folder";
    default:
      return "another rank is gone, stopped or much slower: look at the other ranks' output and "
             "nodes";
  }
}

}  // namespace

std::string hang_message(int rank, const Progress::Snapshot& at, double silent_seconds) {
  return to_string(ErrorInfo{
      .id = "peer.hang",
      .where = fmt::format("rank {}, step {}", rank, at.step),
      .what = fmt::format("no progress for {:.0f} s while {}{}", silent_seconds,
                          activity_name(at.activity),
                          at.bucket >= 0 ? fmt::format(" (bucket {})", at.bucket) : ""),
      .remedy = fmt::format("likely: {}\nthen start the same command again: it resumes from the "
                            "newest checkpoint (guard.hang_timeout sets how long a rank waits)",
                            likely_cause(at.activity))});
}

Watchdog::Watchdog(const Progress& progress, int rank, std::optional<double> timeout)
    : progress_(progress), rank_(rank), timeout_(timeout) {
  // Signals are the training thread's: see signals.cpp.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { watch(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Watchdog::watch() {
  uint64_t seen = progress_.look().beats;
  auto since = Clock::now();
  double slowest = 0;
  std::optional<int64_t> first_step;
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kLookEvery, [this] { return end_; })) {
    const uint64_t beats = progress_.look().beats;
    const auto now = Clock::now();
    if (beats != seen) {
      slowest = std::max(slowest, seconds(now - since));
      seen = beats, since = now;
      continue;
    }
    const Progress::Snapshot at = progress_.look();
    if (!first_step) first_step = at.step;
    const bool patient = at.step <= *first_step + 1 || at.activity == Activity::Saving ||
                         at.activity == Activity::Sampling;
    const double limit = timeout_.value_or(
        std::max(patient ? kPatientTimeout : kLeastAutoTimeout, kSlowestTimes * slowest));
    if (seconds(now - since) > limit) give_up(seconds(now - since));
  }
}

void Watchdog::give_up(double silent_seconds) const {
  const std::string text = hang_message(rank_, progress_.look(), silent_seconds) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  // The training thread may be anywhere: nothing is cleaned up, the launcher ends the other ranks.
  ::_exit(static_cast<int>(ExitCode::Peer));
}

}  // namespace causeway
