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

SIMD_INLINE I lane_numbers() {
  I lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return lane;
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

/// Hides from the queries in the lanes what they do not see of a block of keys.
struct Mask {
  I begin[2], end[2];

  Mask(const AttentionArgs& a, int64_t batch, int64_t query, int64_t query_end, int64_t key) {
    for (int lane = 0; lane < kQueries; ++lane) {
      const bool is_query = query + lane < query_end;
      const Range range = is_query ? visible(a, batch, query + lane) : Range{key, key};
      begin[lane / kLanes][lane % kLanes] = static_cast<int32_t>(range.begin - key);
      end[lane / kLanes][lane % kLanes] = static_cast<int32_t>(range.end - key);
    }
  }
  F operator()(F score, int64_t key, int v) const {
    const I j = I{} + static_cast<int32_t>(key);
    return (begin[v] <= j) & (j < end[v]) ? score : splat(-__builtin_inff());
  }
};

/// body(key, Rows<R or 2>) for keys [0, n), n even.
template <int R>
struct Rows {};
template <int R, class Body>
SIMD_INLINE void in_rows(int64_t n, Body body) {
  int64_t key = 0;
  for (; key + R <= n; key += R) body(key, Rows<R>{});
  for (; key < n; key += 2) body(key, Rows<2>{});
}
constexpr int64_t even(int64_t n) { return n + n % 2; }

#if defined(__AVX512BF16__)
/// 2^x with a relative error of 2.6e-6 (a rounding to bf16 has up to 2e-3); NaN for NaN.
SIMD_INLINE F exp2_for_bf16(F x) {
  const F r = (F)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF);  // x − ⌊x⌋; 0 for ±∞
  F p = splat(1.35341678e-2f);                                        // minimax on [0, 1]
  p = fma(p, r, splat(5.20114601e-2f));
  p = fma(p, r, splat(2.41442755e-1f));
  p = fma(p, r, splat(6.93003833e-1f));
  p = fma(p, r, splat(1.00000262f));
  return (F)_mm512_scalef_ps((__m512)p, (__m512)x);
}
#endif

/// 2^x, exact enough for what Blocks multiply.
template <class Blocks>
SIMD_INLINE F power_of_two(F x) {
#if defined(__AVX512BF16__)
  if constexpr (Blocks::kRounds) return exp2_for_bf16(x);
#endif
  return exp2(x);
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
