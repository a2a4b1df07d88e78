// The tile instructions of AMX, and how bf16 operands lie in tiles: TDPBF16PS multiplies 16 rows of
// 32 numbers by 32 rows of 16 columns and adds to 16 × 16 f32. Written as assembly: g++ 12 takes
// its own intrinsics for code that reads no memory. Intel SDM, volume 1, chapter 18. Read next:
// products.cpp.
#pragma once
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

constexpr int64_t kTileRows = 16, kTileCols = 16;
constexpr int64_t kTileDepth = 32;                        // numbers that one instruction sums
constexpr int64_t kTileBytes = 1024, kTileRowBytes = 64;  // of each of the eight tiles

/// While one lives, this thread's eight tiles are 16 rows of 64 bytes. One at a time; not across
/// calls of oneDNN, which sets tiles of its own.
class Tiles {
 public:
  Tiles() {
    alignas(64) struct {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~Tiles() { asm volatile("tilerelease" ::: "memory"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

template <int kTile>
SIMD_INLINE void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}
/// `stride` in bytes, between rows.
template <int kTile>
SIMD_INLINE void load_tile(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
SIMD_INLINE void store_tile(void* to, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile) : "memory");
}
/// Tile kSum += tile kLeft · tile kRight. Left: rows of numbers. Right: row k holds the numbers 2k
/// and 2k + 1 of every column, side by side.
template <int kSum, int kLeft, int kRight>
SIMD_INLINE void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kLeft), "i"(kRight));
}

}  // namespace
}  // namespace causeway::cpu::CAUSEWAY_ISA
