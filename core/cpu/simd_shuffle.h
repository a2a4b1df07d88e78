// Vectors whose lanes change places: squares transposed in registers, two vectors made alternate.
// Read next: kernels/attention_blocks.h, simd_philox.h.
#pragma once
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {

template <int... kLane>
struct LaneList {};
template <int kCount, int... kLane>
struct FirstLanes : FirstLanes<kCount - 1, kCount - 1, kLane...> {};
template <int... kLane>
struct FirstLanes<0, kLane...> {
  using List = LaneList<kLane...>;
};
/// 0, 1, ... kCount − 1.
template <int kCount>
using Lanes = typename FirstLanes<kCount>::List;

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

/// rows[i][j] becomes rows[j][i].
SIMD_INLINE void transpose_square(F* rows) { swap_blocks<kLanes / 2>(rows, Lanes<kLanes>{}); }

/// a b a b ..., the lanes of each from kFirst on.
template <int kFirst, int... kLane>
SIMD_INLINE U64 alternate(U64 a, U64 b, LaneList<kLane...>) {
  return __builtin_shufflevector(a, b, (kFirst + kLane / 2 + kLane % 2 * kLanes / 2)...);
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
