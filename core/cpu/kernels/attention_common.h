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

/// Visible to at least one of the queries [begin, end).
SIMD_INLINE Range visible_to_any(const AttentionArgs& a, int64_t batch, int64_t begin,
                                 int64_t end) {
  Range any = visible(a, batch, begin);
  for (int64_t query = begin + 1; query < end; ++query) {
    const Range one = visible(a, batch, query);
    if (one.begin < any.begin) any.begin = one.begin;
    if (one.end > any.end) any.end = one.end;
  }
  return any;
}

/// `rows` rows of a head from time t on.
template <class T>
Stored<T> stored(const AttentionArgs& a, const Heads& heads, int64_t b, int64_t t, int64_t head,
                 int64_t rows) {
  return {head_row<T>(heads, b, t, head, a.width), heads.t, rows, a.width};
}

/// What ALiBi takes off a score, in units of ln 2.
SIMD_INLINE float alibi(const AttentionArgs& a, int64_t head, int64_t distance) {
  return a.slopes[head] * kLog2E * static_cast<float>(distance);
}

/// Turns q·k of one query into scores, for the vectors of columns that hold [0, columns), in units
/// of ln 2: what softmax exponentiates is a power of two. `distance` is i − j of column 0. Returns
/// a positive factor that is left to be multiplied by, which costs nothing on the way to 2^x.
SIMD_INLINE float finish_scores(const AttentionArgs& a, float* s, int64_t columns, int64_t distance,
                                int64_t head) {
  if (a.softcap == 0 && !a.slopes && a.scale > 0) return a.scale * kLog2E;
  if (a.softcap > 0)
    for (int64_t j = 0; j < columns; j += kLanes)
      store(s + j, a.softcap * kLog2E * tanh(load(s + j) * (a.scale / a.softcap)));
  else
    for (int64_t j = 0; j < columns; j += kLanes) store(s + j, load(s + j) * (a.scale * kLog2E));
  if (a.slopes)
    for (int64_t j = 0; j < columns; ++j) s[j] -= alibi(a, head, distance - j);
  return 1;
}

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

/// Columns outside [begin, end) become `value`, in whole vectors up to `columns`.
SIMD_INLINE void fill_outside(float* s, int64_t begin, int64_t end, int64_t columns, float value) {
  I lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  for (int64_t j = 0; j < columns; j += kLanes) {
    if (j >= begin && j + kLanes <= end) continue;
    const I column = lane + static_cast<int32_t>(j);
    const I inside = (column >= static_cast<int32_t>(begin)) & (column < static_cast<int32_t>(end));
    store(s + j, inside ? load(s + j) : splat(value));
  }
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
