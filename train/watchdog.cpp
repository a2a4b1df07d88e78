// See watchdog.h.
#include "train/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "train/signals.h"

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

std::string place(int rank, const Progress::Snapshot& at) {
  return at.activity == Activity::Starting ? fmt::format("rank {}", rank)
                                           : fmt::format("rank {}, step {}", rank, at.step);
}

}  // namespace

std::string hang_message(int rank, const Progress::Snapshot& at, double silent_seconds) {
  return to_string(ErrorInfo{
      .id = "peer.hang",
      .where = place(rank, at),
      .what = fmt::format("no progress for {:.0f} s while {}{}", silent_seconds,
                          activity_name(at.activity),
                          at.bucket >= 0 ? fmt::format(" (bucket {})", at.bucket) : ""),
      .remedy =
          fmt::format("likely: {}\nthen start the same command again: a training resumes from "
                      "its newest checkpoint (guard.hang_timeout sets how long a rank waits)",
                      likely_cause(at.activity))});
}

std::string loss_message(int rank, const Progress::Snapshot& at, const std::string& failure) {
  return to_string(ErrorInfo{
      .id = "peer.lost",
      .where = place(rank, at),
      .what = fmt::format("{} while {}", failure, activity_name(at.activity)),
      .remedy =
          "another rank or the link to it is gone: look at the other ranks' output and nodes\n"
          "then start the same command again: a training resumes from its newest checkpoint"});
}

Watchdog::Watchdog(const Progress& progress, int rank, std::optional<double> timeout)
    : progress_(progress), rank_(rank), timeout_(timeout) {
  without_signals([this] { thread_ = std::thread([this] { watch(); }); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Watchdog::ask(std::function<std::string()> failure) {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(failure);
}

void Watchdog::watch() {
  uint64_t seen = progress_.look().beats;
  auto since = Clock::now();
  double slowest = 0;
  std::optional<int64_t> first_step;
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kLookEvery, [this] { return end_; })) {
    const Progress::Snapshot at = progress_.look();
    if (const std::string failure = failure_ ? failure_() : ""; !failure.empty())
      give_up(loss_message(rank_, at, failure));
    const bool starting = at.activity == Activity::Starting;
    const auto now = Clock::now();
    if (at.beats != seen) {
      if (!starting && first_step) slowest = std::max(slowest, seconds(now - since));
      if (!starting && !first_step) first_step = at.step;
      seen = at.beats, since = now;
      continue;
    }
    const bool patient = !first_step || at.step <= *first_step + 1 ||
                         at.activity == Activity::Saving || at.activity == Activity::Sampling;
    const double limit = timeout_.value_or(
        std::max(patient ? kPatientTimeout : kLeastAutoTimeout, kSlowestTimes * slowest));
    if (seconds(now - since) > limit) give_up(hang_message(rank_, at, seconds(now - since)));
  }
}

void Watchdog::give_up(const std::string& message) const {
  const std::string text = message + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  // The training thread may be anywhere: nothing is cleaned up, the launcher ends the other ranks.
  ::_exit(static_cast<int>(ExitCode::Peer));
}

}  // namespace causeway
