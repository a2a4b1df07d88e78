// kLanes × kLanes words, transposed in registers. Read next: kernels/attention_blocks.h.
#pragma once
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {

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

/// rows[i][j] becomes rows[j][i].
SIMD_INLINE void transpose_square(F* rows) { swap_blocks<kLanes / 2>(rows, AllLanes{}); }

}  // namespace causeway::cpu::CAUSEWAY_ISA
