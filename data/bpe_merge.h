// The heart of BPE: of all neighbours, the pair of the lowest rank is merged, the leftmost of
// equals, until no pair has a rank. Short words by looking at all pairs again, long ones through a
// queue, O(n log n). Sennrich et al. 2016, arXiv:1508.07909. Read next: bpe.cpp, score_bpe.cpp.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <queue>
#include <vector>

namespace causeway {

/// What two neighbours make. kNoRank: nothing.
struct MergeRule {
  static constexpr int32_t kNoRank = std::numeric_limits<int32_t>::max();
  int32_t rank = kNoRank, id = -1;
};

/// A pair that may be merged; stale once either side has changed.
struct MergeCandidate {
  int32_t rank, left, right, left_id, right_id, merged_id;
  bool operator<(const MergeCandidate& other) const {  // the queue gives the greatest
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

/// Merges `ids` (fewer than 2^31) in place. `rule(left, right)` → MergeRule.
template <class Rule>
void merge_long(std::vector<int32_t>& ids, const Rule& rule) {
  // Merged tokens leave a doubly linked list.
  const auto n = static_cast<int32_t>(ids.size());
  std::vector<int32_t> next(ids.size()), previous(ids.size());
  std::iota(next.begin(), next.end(), 1);
  std::iota(previous.begin(), previous.end(), -1);
  std::priority_queue<MergeCandidate> queue;
  const auto at = [](std::vector<int32_t>& values, int32_t i) -> int32_t& {
    return values[static_cast<size_t>(i)];
  };
  const auto offer = [&](int32_t left, int32_t right) {
    if (left < 0 || right >= n) return;
    const MergeRule made = rule(at(ids, left), at(ids, right));
    if (made.rank != MergeRule::kNoRank)
      queue.push({made.rank, left, right, at(ids, left), at(ids, right), made.id});
  };
  for (int32_t i = 0; i + 1 < n; ++i) offer(i, i + 1);
  while (!queue.empty()) {
    const MergeCandidate pair = queue.top();
    queue.pop();
    if (at(ids, pair.left) != pair.left_id || at(ids, pair.right) != pair.right_id) continue;
    at(ids, pair.left) = pair.merged_id;
    at(ids, pair.right) = -1;
    at(next, pair.left) = at(next, pair.right);
    if (at(next, pair.left) < n) at(previous, at(next, pair.left)) = pair.left;
    offer(at(previous, pair.left), pair.left);
    offer(pair.left, at(next, pair.left));
  }
  ids.erase(std::remove(ids.begin(), ids.end(), -1), ids.end());
}

/// The same for a word: a pass per merge over rules that are kept, no memory but `rules`.
template <class Rule>
void merge_short(std::vector<int32_t>& ids, std::vector<MergeRule>& rules, const Rule& rule) {
  if (ids.size() < 2) return;
  rules.resize(ids.size() - 1);
  for (size_t i = 0; i + 1 < ids.size(); ++i) rules[i] = rule(ids[i], ids[i + 1]);
  while (!rules.empty()) {
    const auto best =
        std::min_element(rules.begin(), rules.end(),
                         [](const MergeRule& a, const MergeRule& b) { return a.rank < b.rank; });
    if (best->rank == MergeRule::kNoRank) return;
    const auto i = static_cast<size_t>(best - rules.begin());
    ids[i] = best->id;
    ids.erase(ids.begin() + static_cast<int64_t>(i) + 1);
    rules.erase(best);
    if (i > 0) rules[i - 1] = rule(ids[i - 1], ids[i]);
    if (i < rules.size()) rules[i] = rule(ids[i], ids[i + 1]);
  }
}

}  // namespace causeway
