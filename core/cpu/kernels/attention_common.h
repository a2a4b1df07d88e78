// What forward and backward of attention share: which keys a query sees, how a block of scores is
// made. Read next: attention_forward.cpp, attention_backward.cpp.
#pragma once
#include "core/cpu/kernels.h"
#include "core/cpu/kernels/attention_blocks.h"
#include "core/cpu/simd_math.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

template <class T>
T* head_row(const Heads& heads, int64_t b, int64_t t, int64_t head, int64_t width) {
  return static_cast<T*>(heads.data) + b * heads.b + t * heads.t + head * width;
}

/// Keys [begin, end) that a query sees, always a contiguous range.
struct Range {
  int64_t begin, end;
};
SIMD_INLINE Range visible(const AttentionArgs& a, int64_t batch, int64_t query) {
  const int64_t own = query + a.tk - a.tq;
  int64_t begin = 0;
  if (a.window > 0 && own - a.window + 1 > begin) begin = own - a.window + 1;
  if (a.segment_start) {
    const int64_t start = a.segment_start[batch * a.tq + query];
    if (start > begin) begin = start;
  }
  return {begin, own + 1};
}

/// The keys that at least one, and that every one of some queries sees.
struct Sight {
  Range any, all;
};
SIMD_INLINE Sight sight(const AttentionArgs& a, int64_t batch, int64_t begin, int64_t end) {
  const Range first = visible(a, batch, begin), last = visible(a, batch, end - 1);
  Sight s{{first.begin, last.end}, {last.begin, first.end}};
  if (!a.segment_start) return s;
  for (int64_t query = begin; query < end; ++query) {
    const int64_t own = visible(a, batch, query).begin;
    if (own < s.any.begin) s.any.begin = own;
    if (own > s.all.begin) s.all.begin = own;
  }
  return s;
}

/// `rows` rows of a head from time t on.
template <class T>
Stored<T> stored(const AttentionArgs& a, const Heads& heads, int64_t b, int64_t t, int64_t head,
                 int64_t rows) {
  return {head_row<T>(heads, b, t, head, a.width), heads.t, rows, a.width};
}

/// What a piece of the backward computes: with every query it can own keys, with every key it can
/// own queries.
struct Wanted {
  bool queries, keys;
  Wanted(const AttentionArgs& a, const AttentionPiece& piece)
      : queries(piece.key_begin == 0 && piece.key_end == a.tk),
        keys(piece.query_begin == 0 && piece.query_end == a.tq) {}
};

/// A level is lifted when a score outgrows it by this, in units of ln 2: probabilities stay below
/// 2^8, where they are as exact as below 1.
constexpr float kHeadroom = 8;

/// Whether a comparison holds in any lane.
SIMD_INLINE bool any(I holds) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)holds) != 0;
#else
  int32_t some = 0;
  for (int i = 0; i < kLanes; ++i) some |= holds[i];
  return some != 0;
#endif
}

/// Turns q·k into scores, in units of ln 2: what softmax exponentiates is a power of two.
struct Scoring {
  float scale, softcap, slope;
  bool plain;    ///< only scaled, which costs nothing on the way to 2^x
  float factor;  ///< positive: is left to be multiplied by

  Scoring(const AttentionArgs& a, int64_t head)
      : scale(a.softcap > 0 ? a.scale / a.softcap : a.scale * kLog2E),
        softcap(a.softcap * kLog2E),
        slope(a.slopes ? a.slopes[head] * kLog2E : 0),
        plain(a.softcap == 0 && !a.slopes && a.scale > 0),
        factor(plain ? scale : 1) {}

  /// What ALiBi takes off. `distance` is i − j of lane 0.
  F alibi(int64_t distance) const {
    const I from_key = lane_numbers() + static_cast<int32_t>(distance);
    return __builtin_convertvector(from_key, F) * slope;
  }
  F operator()(F s, int64_t distance) const {
    const F scaled = s * scale;
    return (softcap > 0 ? softcap * tanh(scaled) : scaled) - alibi(distance);
  }
  /// The factor that softcap brings into the gradient of a score; 0 for a score of −∞.
  F softcap_slope(F s, int64_t distance) const {
    // s = softcap · tanh(…) − ALiBi: with the ALiBi term undone, tanh is found again.
    const F t = max(splat(-1.0f), (s + alibi(distance)) * (1 / softcap));
    return 1.0f - t * t;
  }
};

constexpr int64_t even(int64_t n) { return n + n % 2; }

/// A block of queries, [begin, end), against the first `depth` keys of a block: up to the last one
/// that any of them sees; 0 where none is.
struct BlockPair {
  int64_t begin, end;
  int64_t key, depth;
  bool hides;  ///< one of these keys, or the one after an odd last, from one of these queries

  int64_t queries() const { return end - begin; }
};
SIMD_INLINE BlockPair block_pair(const AttentionArgs& a, int64_t batch, int64_t begin, int64_t end,
                                 int64_t key, int64_t keys) {
  const Sight seen = sight(a, batch, begin, end);
  const int64_t left = seen.any.end - key, depth = left < keys ? left : keys;
  const bool none = depth <= 0 || seen.any.begin >= key + keys;
  return {begin, end, key, none ? 0 : depth,
          seen.all.begin > key || seen.all.end < key + even(depth)};
}

/// What the queries in the lanes do not see of the keys gets a score of −∞.
struct Mask {
  I begin[2], end[2];

  Mask(const AttentionArgs& a, int64_t batch, const BlockPair& pair) {
    for (int lane = 0; lane < kQueries; ++lane) {
      const bool is_query = pair.begin + lane < pair.end;
      const Range seen = is_query ? visible(a, batch, pair.begin + lane) : Range{0, 0};
      begin[lane / kLanes][lane % kLanes] = static_cast<int32_t>(seen.begin - pair.key);
      end[lane / kLanes][lane % kLanes] = static_cast<int32_t>(seen.end - pair.key);
    }
  }
  /// `key` counts from the pair's first; `v` is the vector.
  F operator()(F score, int64_t key, int v) const {
    const I j = I{} + static_cast<int32_t>(key);
    return ((begin[v] <= j) & (j < end[v])) ? score : splat(-__builtin_inff());
  }
};

/// body(key, RowCount<R or 2>) for keys [0, n), n even.
template <int R>
struct RowCount {};
template <int R, class Body>
SIMD_INLINE void in_rows(int64_t n, Body body) {
  int64_t key = 0;
  for (; key + R <= n; key += R) body(key, RowCount<R>{});
  for (; key < n; key += 2) body(key, RowCount<2>{});
}

/// 2^x, exact enough for what Blocks multiply.
template <class Blocks>
SIMD_INLINE F power_of_two(F x) {
  if constexpr (Blocks::kRounds) return exp2_for_bf16(x);
  return exp2(x);
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
