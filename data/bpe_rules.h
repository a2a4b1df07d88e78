// Which two ids make which third, and how early: a hash table of merges. Read next: bpe_merge.h.
#pragma once
#include <bit>
#include <cstdint>
#include <vector>

#include "data/bpe_merge.h"

namespace causeway {

class BpeRules {
 public:
  explicit BpeRules(size_t merges) : slots_(std::bit_ceil(2 * merges + 2)) {}

  /// A pair that is there already keeps its rule.
  void add(int32_t left, int32_t right, MergeRule rule) {
    Slot& slot = slots_[find(key_of(left, right))];
    if (slot.key == kFree) slot = {key_of(left, right), rule};
  }

  MergeRule operator()(int32_t left, int32_t right) const {
    return slots_[find(key_of(left, right))].rule;
  }

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};  // no id is −1
  struct Slot {
    uint64_t key = kFree;
    MergeRule rule;
  };

  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  /// Where the key is, or the free slot where it belongs.
  size_t find(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t i = (key * 0x9E3779B97F4A7C15u >> 32) & mask;
    while (slots_[i].key != key && slots_[i].key != kFree) i = (i + 1) & mask;
    return i;
  }

  std::vector<Slot> slots_;  // a power of two, at most half full
};

}  // namespace causeway
