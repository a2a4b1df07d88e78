// The pool: every piece once, exceptions carried out, many small jobs in a row.
#include "core/cpu/pool.h"

#include <stdexcept>
#include <vector>

#include "tests/catch.h"

using causeway::cpu::Pool;

TEST_CASE("the pool runs every piece exactly once, job after job", "[cpu]") {
  for (const int threads : {1, 2, 5}) {
    Pool pool(threads);
    for (int job = 0; job < 2000; ++job) {
      const int64_t count = job % 37;
      std::vector<std::atomic<int>> hits(count);
      std::atomic<bool> slots_fit{true};
      pool.run(count, [&](int64_t piece, int slot) {
        ++hits[piece];
        if (slot < 0 || slot >= threads) slots_fit = false;
      });
      CHECK(slots_fit);
      for (const auto& hit : hits) REQUIRE(hit == 1);
    }
  }
}

TEST_CASE("an exception in a piece reaches the caller, and the pool goes on", "[cpu]") {
  Pool pool(3);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> ran{0};
    CHECK_THROWS_AS(pool.run(20,
                             [&](int64_t piece, int) {
                               ++ran;
                               if (piece % 7 == 3) throw std::runtime_error("piece");
                             }),
                    std::runtime_error);
    CHECK(ran == 20);
  }
}

TEST_CASE("threads that sleep wake up for the next job", "[cpu]") {
  Pool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> ran{0};
    pool.run(10, [&](int64_t, int) { ++ran; });
    CHECK(ran == 10);
  }
}
