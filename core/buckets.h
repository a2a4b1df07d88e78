// Buckets: how the flat buffers are cut for many ranks. A bucket (ParamInfo::bucket: the embedding,
// a block, the head) is what is exchanged together; it is cut into one piece per rank on borders of
// kNormChunk elements, and a rank owns its piece of every bucket: it sums that piece's gradients
// and keeps the optimizer state for it. Read next: comm.h, train/step.h.
#pragma once
#include <algorithm>
#include <vector>

#include "core/params.h"

namespace causeway {

/// Elements [begin, end) of a flat buffer.
struct Range {
  int64_t begin = 0, end = 0;

  int64_t size() const { return end - begin; }
  bool empty() const { return end <= begin; }
  bool operator==(const Range&) const = default;
};

inline Range intersection(const Range& a, const Range& b) {
  const int64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

inline Tensor part(const Tensor& flat, const Range& range) {
  return flat.slice(0, range.begin, range.size());
}

class Buckets {
 public:
  Buckets(const ParamTable& params, int ranks);

  int count() const { return static_cast<int>(buckets_.size()); }
  int ranks() const { return ranks_; }
  /// Padding between parameters included. Every element of a flat buffer is in one bucket.
  Range whole(int bucket) const { return buckets_[bucket]; }
  /// What `rank` owns of it; may be empty where there are fewer chunks than ranks.
  Range piece(int bucket, int rank) const;
  /// The pieces of all ranks, of one bucket.
  std::vector<Range> pieces(int bucket) const;
  /// Everything that `rank` owns, in order.
  std::vector<Range> owned(int rank) const;

 private:
  std::vector<Range> buckets_;
  int ranks_;
};

/// The partial sums (one per kNormChunk elements, in order) that belong to a piece.
Range chunks_of(const Range& piece);

/// What a rank keeps of a flat buffer: some ranges of it, stored one behind the other.
class OwnedParts {
 public:
  explicit OwnedParts(std::vector<Range> ranges);

  /// Elements kept.
  int64_t size() const { return size_; }
  std::span<const Range> ranges() const { return ranges_; }
  /// visit(range of the flat buffer, where it begins among the kept ones) for every part of
  /// `wanted` that is kept, in order.
  template <class Visit>
  void visit(const Range& wanted, const Visit& visit) const {
    int64_t local = 0;
    for (const Range& range : ranges_) {
      const Range common = intersection(range, wanted);
      if (!common.empty()) visit(common, local + common.begin - range.begin);
      local += range.size();
    }
  }

 private:
  std::vector<Range> ranges_;
  int64_t size_ = 0;
};

}  // namespace causeway
