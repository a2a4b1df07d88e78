// Which two ids make which third, and how early: a hash table of merges, eight bytes each, since
// every look-up waits for memory. Read next: bpe_merge.h.
#pragma once
#include <bit>
#include <cstdint>
#include <vector>

#include "data/bpe_merge.h"

namespace causeway {

/// Ids and ranks are below this, so that two ids and a rank fit into 64 bits.
constexpr int32_t kMostBpeTokens = 1 << 21;

class BpeRules {
 public:
  explicit BpeRules(size_t merges) : slots_(std::bit_ceil(2 * merges + 2), kFree) {}

  /// Adds the next merge: its rank is the number of those before. `made`: its id. A pair that is
  /// there already keeps its rule.
  void add(int32_t left, int32_t right, int32_t made) {
    uint64_t& slot = slots_[find(key_of(left, right))];
    if (slot == kFree) slot = key_of(left, right) << kRankBits | made_.size();
    made_.push_back(made);
  }

  /// `left` and `right`: ids, or negative, which nothing merges.
  MergeRule operator()(int32_t left, int32_t right) const {
    if ((left | right) < 0) return {};
    const uint64_t slot = slots_[find(key_of(left, right))];
    if (slot == kFree) return {};
    const uint64_t rank = slot & ((uint64_t{1} << kRankBits) - 1);
    return {static_cast<int32_t>(rank), made_[rank]};
  }

 private:
  static constexpr int kIdBits = 21, kRankBits = 22;
  static constexpr uint64_t kFree = ~uint64_t{0};  // no rank is as high

  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << kIdBits | static_cast<uint64_t>(right);
  }
  /// Where the key is, or the free slot where it belongs.
  size_t find(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t i = (key * 0x9E3779B97F4A7C15u >> 32) & mask;
    while (slots_[i] != kFree && slots_[i] >> kRankBits != key) i = (i + 1) & mask;
    return i;
  }

  std::vector<uint64_t> slots_;  // left, right, rank; a power of two, at most half full
  std::vector<int32_t> made_;    // by rank
};

}  // namespace causeway
