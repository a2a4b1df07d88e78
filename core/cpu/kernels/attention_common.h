// What forward and backward of attention share: which keys a query sees, how a block of scores is
// made, how rows are packed. Read next: attention_forward.cpp, attention_backward.cpp.
#pragma once
#include "core/cpu/kernels.h"
#include "core/cpu/kernels/small_gemm.h"
#include "core/cpu/simd_math.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// Keys per block and queries per block: three blocks of a 64-wide head and their scores fit the
/// first-level cache; smaller query blocks waste less on the causal diagonal.
constexpr int64_t kKeys = 64;
constexpr int64_t kQueries = 32;

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

/// rows of `width` → f32 rows of `stride` ≥ width, times factor, the rest of a row zero.
template <class T>
void pack_rows(float* out, int64_t stride, const T* in, int64_t in_stride, int64_t rows,
               int64_t width, float factor) {
  for (int64_t r = 0; r < rows; ++r) {
    sweep(width, [&](int64_t i, auto part) {  // whole vectors: a part reads zeros beyond the row
      store(out + r * stride + i, load(in + r * in_stride + i, part) * factor);
    });
  }
}

template <int... kLane>
struct LaneList {};
#if defined(__AVX512F__)
using AllLanes = LaneList<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
#elif defined(__AVX2__)
using AllLanes = LaneList<0, 1, 2, 3, 4, 5, 6, 7>;
#else
using AllLanes = LaneList<0, 1, 2, 3>;
#endif

/// Swaps the off-diagonal W × W blocks of every 2W × 2W block; W = kLanes/2, ..., 1 transposes.
template <int W, int... kLane>
SIMD_INLINE void swap_blocks(F* rows, LaneList<kLane...>) {
  for (int r = 0; r < kLanes; ++r) {
    if (r & W) continue;
    const F a = rows[r], b = rows[r + W];
    rows[r] = __builtin_shufflevector(a, b, (kLane & W ? kLanes + kLane - W : kLane)...);
    rows[r + W] = __builtin_shufflevector(a, b, (kLane & W ? kLanes + kLane : kLane + W)...);
  }
  if constexpr (W > 1) swap_blocks<W / 2>(rows, LaneList<kLane...>{});
}

/// Transposed: out (width, kKeys), columns ≥ rows zero.
template <class T>
void pack_columns(float* out, const T* in, int64_t in_stride, int64_t rows, int64_t width) {
  for (int64_t r0 = 0; r0 < kKeys; r0 += kLanes) {
    sweep(width, [&](int64_t i, auto part) {
      F block[kLanes];
      for (int r = 0; r < kLanes; ++r)
        block[r] = r0 + r < rows ? load(in + (r0 + r) * in_stride + i, part) : F{};
      swap_blocks<kLanes / 2>(block, AllLanes{});
      const int64_t n = width - i < kLanes ? width - i : kLanes;
      for (int64_t d = 0; d < n; ++d) store(out + (i + d) * kKeys + r0, block[d]);
    });
  }
}

/// Turns q·k·scale of one query into scores, for the vectors of columns that hold [0, columns).
/// `distance` is i − j of column 0.
SIMD_INLINE void finish_scores(const AttentionArgs& a, float* s, int64_t columns, int64_t distance,
                               int64_t head) {
  if (a.softcap > 0)
    for (int64_t j = 0; j < columns; j += kLanes)
      store(s + j, a.softcap * tanh(load(s + j) / a.softcap));
  if (a.slopes)
    for (int64_t j = 0; j < columns; ++j) s[j] -= a.slopes[head] * static_cast<float>(distance - j);
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
