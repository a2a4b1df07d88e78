// Ranks that are threads of this process, for what ranks tell each other on the host. Read next:
// together_test.cpp, core/comm.h.
#pragma once
#include <barrier>
#include <functional>
#include <thread>

#include "core/comm.h"
#include "core/error.h"

namespace causeway::test {

class ThreadComm final : public Communicator {
 public:
  /// What the ranks share: a place for each one's text, and where they wait for each other.
  struct Table {
    explicit Table(int ranks) : texts(ranks), all_here(ranks) {}
    std::vector<std::string> texts;
    std::barrier<> all_here;
  };
  ThreadComm(Table& table, int rank) : table_(table), rank_(rank) {}

  std::string_view name() const override { return "threads"; }
  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(table_.texts.size()); }
  void start_exchange(std::span<const Tensor>, std::span<const Tensor>) override {}
  void start_share(const Tensor&, std::span<const Range>) override {}
  void finish() override {}
  int64_t bytes_sent() const override { return 0; }

  std::vector<std::string> gather(const std::string& text) override {
    table_.texts[rank_] = text;
    table_.all_here.arrive_and_wait();
    std::vector<std::string> all = table_.texts;
    table_.all_here.arrive_and_wait();
    return all;
  }
  std::string broadcast(const std::string& text) override { return gather(text)[0]; }
  bool any(bool flag) override {
    for (const std::string& text : gather(flag ? "yes" : ""))
      if (!text.empty()) return true;
    return false;
  }

 private:
  Table& table_;
  int rank_;
};

/// Every rank runs `action`. Returns what() of the Error that each threw, or "", by rank.
inline std::vector<std::string> on_ranks(int ranks,
                                         const std::function<void(Communicator&)>& action) {
  ThreadComm::Table table(ranks);
  std::vector<std::string> outcomes(ranks);
  std::vector<std::jthread> threads;
  for (int r = 0; r < ranks; ++r)
    threads.emplace_back([&, r] {
      ThreadComm comm(table, r);
      try {
        action(comm);
      } catch (const Error& error) {
        outcomes[r] = error.what();
      }
    });
  threads.clear();  // joins them
  return outcomes;
}

}  // namespace causeway::test
