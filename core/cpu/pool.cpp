// See pool.h.
#include "core/cpu/pool.h"

#include <pthread.h>

#include <csignal>
#include <utility>

#include "core/error.h"

namespace causeway::cpu {
namespace {

/// How often an idle thread looks before it sleeps: some tens of microseconds. That bridges the gap
/// between two operations; spinning longer would take the core from a competing program.
constexpr int kSpins = 1000;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Waits until `word` is no longer `old`: first by looking, then asleep on a futex.
void wait_while(const std::atomic<uint32_t>& word, uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (word.load(std::memory_order_acquire) != old) return;
    pause_cpu();
  }
  word.wait(old, std::memory_order_acquire);
}

/// While it exists, this thread and those it starts receive no signals. Workers must not: oneDNN's
/// generated code keeps the stack pointer in a heap buffer at times, and a handler would write
/// there.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t former_;
};

}  // namespace

Pool::Pool(int threads) {
  CHECK(threads >= 1, "a pool of {} threads", threads);
  workers_.reserve(threads - 1);
  const NoSignals inherited_by_workers;
  for (int slot = 1; slot < threads; ++slot) workers_.emplace_back([this, slot] { work(slot); });
}

Pool::~Pool() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Pool::run_erased(int64_t count, const void* body, Call call) {
  if (count <= 1 || workers_.empty()) {
    for (int64_t piece = 0; piece < count; ++piece) call(body, piece, 0);
    return;
  }
  CHECK(count < INT32_MAX, "{} pieces of work", count);
  body_ = body, call_ = call;
  unfinished_.store(static_cast<uint32_t>(count), std::memory_order_relaxed);
  ticket_.store(static_cast<uint64_t>(count) << 32, std::memory_order_release);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  help(0);
  for (uint32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;)
    wait_while(unfinished_, left);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Pool::work(int slot) {
  uint32_t seen = 0;
  for (;;) {
    wait_while(epoch_, seen);
    seen = epoch_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    help(slot);
  }
}

void Pool::help(int slot) {
  for (uint32_t done = 0;; ++done) {
    const uint64_t ticket = ticket_.fetch_add(1, std::memory_order_acq_rel);
    const uint64_t piece = ticket & 0xffffffffu;
    if (piece >= ticket >> 32) return finish(done);
    try {
      call_(body_, static_cast<int64_t>(piece), slot);
    } catch (...) {
      const std::lock_guard<std::mutex> guard(error_lock_);
      if (!error_) error_ = std::current_exception();
    }
  }
}

void Pool::finish(uint32_t pieces) {
  if (pieces && unfinished_.fetch_sub(pieces, std::memory_order_acq_rel) == pieces)
    unfinished_.notify_one();
}

}  // namespace causeway::cpu
