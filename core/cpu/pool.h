// Threads of our own. Work is cut by its caller into numbered pieces, by shape only; the pool hands
// the numbers out one by one, so a thread that is slow (or shares its core with another program)
// simply takes fewer. Read next: pool.cpp.
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace causeway::cpu {

class Pool {
 public:
  explicit Pool(int threads);  ///< `threads` includes the caller
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(piece, slot) for piece in [0, count), each once, in no particular order; slot <
  /// threads() names the executing thread. Returns when all are done; rethrows the first exception.
  /// Not reentrant: one caller at a time, and body must not call it.
  template <class Body>
  void run(int64_t count, const Body& body) {
    run_erased(count, &body, [](const void* b, int64_t piece, int slot) {
      (*static_cast<const Body*>(b))(piece, slot);
    });
  }

 private:
  using Call = void (*)(const void* body, int64_t piece, int slot);
  void run_erased(int64_t count, const void* body, Call call);
  void work(int slot);
  /// Takes pieces of the current job until none is left.
  void help(int slot);
  void finish(uint32_t pieces);

  // The current job. Written by run() while no piece is outstanding, read only by who holds a
  // piece.
  const void* body_ = nullptr;
  Call call_ = nullptr;

  /// Number of pieces in the upper half, next piece in the lower: one fetch_add claims a piece of
  /// whatever job is current, so a thread that wakes late can never mix two jobs.
  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<uint32_t> unfinished_{0};  // pieces of the current job
  alignas(64) std::atomic<uint32_t> epoch_{0};  // changes with every job; idle threads watch it
  std::atomic<bool> stop_{false};
  std::mutex error_lock_;
  std::exception_ptr error_;
  std::vector<std::thread> workers_;
};

}  // namespace causeway::cpu
