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
/// of ln 2: what softmax exponentiates is a power of two. `distance` is i − j of column 0.
SIMD_INLINE void finish_scores(const AttentionArgs& a, float* s, int64_t columns, int64_t distance,
                               int64_t head) {
  if (a.softcap > 0)
    for (int64_t j = 0; j < columns; j += kLanes)
      store(s + j, a.softcap * kLog2E * tanh(load(s + j) * (a.scale / a.softcap)));
  else
    for (int64_t j = 0; j < columns; j += kLanes) store(s + j, load(s + j) * (a.scale * kLog2E));
  if (a.slopes)
    for (int64_t j = 0; j < columns; ++j) s[j] -= alibi(a, head, distance - j);
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
