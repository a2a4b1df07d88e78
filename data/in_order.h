// Work on many items at once whose results are wanted in order: what reads, works and writes at the
// same time holds no more than one item per thread. Read next: prepare.cpp.
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace causeway {

/// As many as the machine runs at once.
inline int default_threads() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// produce() → std::optional<Item>, one at a time, until it gives none; work(item) → Result on
/// `threads` threads; consume(item, result) one at a time, in the order of production.
/// The first exception of any of them ends all and is thrown here.
template <class Produce, class Work, class Consume>
void in_order(int threads, const Produce& produce, const Work& work, const Consume& consume) {
  std::mutex producing, consuming;
  std::condition_variable turn;
  int64_t produced = 0, consumed = 0;
  bool stopped = false;
  std::exception_ptr failure;

  // Takes an item and its number; −1 at the end.
  const auto take = [&](auto& item) -> int64_t {
    const std::scoped_lock lock(producing);
    {
      const std::scoped_lock state(consuming);
      if (stopped) return -1;
    }
    item = produce();
    return item ? produced++ : -1;
  };
  const auto run = [&] {
    try {
      decltype(produce()) item;
      for (int64_t number; (number = take(item)) >= 0;) {
        auto result = work(*item);
        std::unique_lock lock(consuming);
        turn.wait(lock, [&] { return stopped || consumed == number; });
        if (stopped) return;
        consume(*item, result);
        ++consumed;
        turn.notify_all();
      }
    } catch (...) {
      const std::scoped_lock lock(consuming);
      if (!failure) failure = std::current_exception();
      stopped = true;
      turn.notify_all();
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back(run);
  run();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace causeway
