// AMX, the matrix unit of Intel's CPUs: products of bf16 blocks, 32 × 32 results at a time, summed
// in f32. Read next: pack.h.
#pragma once
#include "core/cpu/kernels/small_gemm.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

enum class Into { Overwrite, Add };

/// A tile has 16 rows of 64 bytes: 16 × 16 f32, or 16 × 32 bf16. The left operand of a product has
/// 32 bf16 of its depth in a row; the right operand has two of its depth side by side, 16 columns
/// and 16 such pairs. A block is 2 × 2 tiles of results.
constexpr int64_t kTileRows = 16, kBlock = 32;
constexpr int64_t kTile = 512;  // bf16 of one tile

/// The unit is a thread's own: made ready for a piece of work, and given back after it, since a
/// thread that holds tiles has them saved whenever another one runs.
class Tiles {
 public:
  Tiles() {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shape;
    asm volatile("ldtilecfg %0" ::"m"(shape));
  }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

// Assembly, because g++ 12's intrinsics do not tell the compiler that they read and write memory.

template <int kIndex>
SIMD_INLINE void load_tile(const void* from, int64_t row_bytes) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(row_bytes), "i"(kIndex) : "memory");
}
template <int kIndex>
SIMD_INLINE void store_tile(float* to, int64_t row_bytes) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(row_bytes), "i"(kIndex) : "memory");
}
template <int kIndex>
SIMD_INLINE void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kIndex));
}
template <int kSum, int kLeft, int kRight>
SIMD_INLINE void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kLeft), "i"(kRight));
}

/// 32 rows, `row` apart, of whole steps of 32 bf16.
struct LeftBlock {
  const b16* data;
  int64_t row;
};
/// 32 columns: two tiles for each 32 of the depth, all in a row, as hardware prefetchers like it.
struct RightBlock {
  const b16* data;
};
constexpr int64_t kStep = 2 * kTile;

/// c (32, 32), rows c.stride apart, (+)= a · b.
template <Into into>
SIMD_INLINE void multiply(Product c, LeftBlock a, RightBlock b, int64_t steps) {
  float* const below = c.data + kTileRows * c.stride;
  const int64_t c_bytes = c.stride * static_cast<int64_t>(sizeof(float)), a_bytes = a.row * 2;
  if constexpr (into == Into::Add) {
    load_tile<0>(c.data, c_bytes), load_tile<1>(c.data + kTileRows, c_bytes);
    load_tile<2>(below, c_bytes), load_tile<3>(below + kTileRows, c_bytes);
  } else {
    zero_tile<0>(), zero_tile<1>(), zero_tile<2>(), zero_tile<3>();
  }
  for (int64_t s = 0; s < steps; ++s) {
    const b16* const left = a.data + s * kBlock;
    const b16* const right = b.data + s * kStep;
    load_tile<4>(left, a_bytes), load_tile<6>(right, 64);
    multiply_tiles<0, 4, 6>();
    load_tile<7>(right + kTile, 64);
    multiply_tiles<1, 4, 7>();
    load_tile<5>(left + kTileRows * a.row, a_bytes);
    multiply_tiles<2, 5, 6>(), multiply_tiles<3, 5, 7>();
  }
  store_tile<0>(c.data, c_bytes), store_tile<1>(c.data + kTileRows, c_bytes);
  store_tile<2>(below, c_bytes), store_tile<3>(below + kTileRows, c_bytes);
}
SIMD_INLINE void multiply(Into into, Product c, LeftBlock a, RightBlock b, int64_t steps) {
  if (into == Into::Overwrite)
    multiply<Into::Overwrite>(c, a, b, steps);
  else
    multiply<Into::Add>(c, a, b, steps);
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
