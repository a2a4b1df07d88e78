// See buckets.h.
#include "core/buckets.h"

#include "core/backend.h"

namespace causeway {

static_assert(kBucketAlignment % kNormChunk == 0, "a partial sum belongs to one bucket");

Buckets::Buckets(const ParamTable& params, int ranks) : ranks_(ranks) {
  CHECK(ranks >= 1, "{} ranks", ranks);
  int last = -1;
  for (const ParamInfo& p : params.all()) {
    if (p.bucket == last) continue;
    CHECK(p.bucket == last + 1, "{} is in bucket {}, after bucket {}", p.name, p.bucket, last);
    if (!buckets_.empty()) buckets_.back().end = p.offset;
    buckets_.push_back({p.offset, params.flat_size()});
    last = p.bucket;
  }
}

Range Buckets::piece(int bucket, int rank) const {
  const Range whole = buckets_[bucket];
  const int64_t chunks = (whole.size() + kNormChunk - 1) / kNormChunk;
  const auto border = [&](int64_t r) {
    return std::min(whole.end, whole.begin + chunks * r / ranks_ * kNormChunk);
  };
  return {border(rank), border(rank + 1)};
}

std::vector<Range> Buckets::pieces(int bucket) const {
  std::vector<Range> all;
  for (int r = 0; r < ranks_; ++r) all.push_back(piece(bucket, r));
  return all;
}

std::vector<Range> Buckets::owned(int rank) const {
  std::vector<Range> ranges;
  for (int b = 0; b < count(); ++b) {
    const Range mine = piece(b, rank);
    if (mine.empty()) continue;
    if (!ranges.empty() && ranges.back().end == mine.begin)
      ranges.back().end = mine.end;
    else
      ranges.push_back(mine);
  }
  return ranges;
}

Range chunks_of(const Range& piece) {
  return {piece.begin / kNormChunk, (piece.end + kNormChunk - 1) / kNormChunk};
}

OwnedParts::OwnedParts(std::vector<Range> ranges) : ranges_(std::move(ranges)) {
  for (const Range& range : ranges_) size_ += range.size();
}

}  // namespace causeway
