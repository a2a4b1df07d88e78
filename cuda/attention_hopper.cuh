// Building blocks of attention on Hopper (bf16, sm_90a): a ring of tiles that one warp fills by
// TMA, and the two shapes of product of attention_mma.cuh as wgmma, asynchronous. A warpgroup owns
// 64 rows; its accumulators lie in its registers as those of mma.sync, 16 rows to a warp. Shah et
// al. 2024, arXiv:2407.08608. Read next: attention_forward_hopper.cuh.
#pragma once
#include "cuda/attention_mma.cuh"
#include "cuda/sm90.cuh"

namespace causeway::cuda {

/// How many tiles of 64 keys the queries up to `last` see, under the causal mask alone.
__device__ __forceinline__ int key_tiles(const AttentionShape& shape, int last) {
  return (min(shape.own_key(last) + 1, shape.tk) + 63) / 64;
}

/// Shared memory of a block of G warpgroups that multiply and one that loads: stages of two tiles
/// of 64 rows, a tile of 64·G rows for results, `kOwnTiles` tiles that stay, `kStatBytes` per
/// stage, the barriers. A tile is D / 64 panels of 64 columns, as TMA's 128-byte swizzle wants
/// them.
template <int kSize_, int kGroups_, int kOwnTiles = 0, int kStatBytes = 0>
struct Ring {
  static constexpr int kSize = kSize_, kGroups = kGroups_, kOwn = 64 * kGroups;
  static constexpr int kStep = 64, kStages = 4;
  static constexpr int kThreads = 128 * (kGroups + 1);
  // The loading threads give most of their share of the 64 K registers to the others.
  static constexpr int kLoadRegisters = 24, kRegisters = kGroups == 3 ? 160 : 240;
  static constexpr int kPanels = kSize / 64, kPanelBytes = 2 * 64 * kStep;
  static constexpr int kTileBytes = kPanels * kPanelBytes;
  static constexpr int kResults = 2 * kStages * kTileBytes;
  static constexpr int kOwnRows = kResults + Tile<kSize>::bytes(kOwn);
  static constexpr int kStats = kOwnRows + kOwnTiles * kTileBytes;
  static constexpr int kBarriers = kStats + kStages * kStatBytes;
  static constexpr int kSharedBytes = kBarriers + 8 * (3 * kStages + 1);
  // A group may stop kGroups − 1 tiles before another, without releasing what it never read.
  static_assert(kStages >= kGroups);

  uint32_t base;  ///< shared address of it all

  /// Tile i of those that stay.
  __device__ __forceinline__ uint32_t own(int i) const { return base + kOwnRows + i * kTileBytes; }

  __device__ __forceinline__ uint32_t first(int i) const {
    return base + i % kStages * 2 * kTileBytes;
  }
  __device__ __forceinline__ uint32_t second(int i) const { return first(i) + kTileBytes; }
  // Barriers of a stage: the first tile has landed, the second has, both have been read.
  __device__ __forceinline__ uint32_t barrier(int which, int i) const {
    return base + kBarriers + 8 * (which * kStages + i % kStages);
  }
  /// The tiles that stay have landed.
  __device__ __forceinline__ uint32_t own_barrier() const { return barrier(3, 0); }
  /// Parity of the phase in which tile i is the stage's.
  static __device__ __forceinline__ uint32_t parity(int i) { return i / kStages & 1; }

  /// By one thread, before anyone uses the ring. `groups`: warpgroups that will read. `arrivals`:
  /// what completes a first tile.
  __device__ __forceinline__ void init(int groups, int arrivals = 1) const {
    for (int i = 0; i < kStages; ++i) {
      mbar_init(barrier(0, i), arrivals), mbar_init(barrier(1, i), 1);
      mbar_init(barrier(2, i), 4 * groups);
    }
    mbar_init(own_barrier(), 1);
    mbar_init_fence();
  }

  // ---- the loading warp
  __device__ __forceinline__ void wait_empty(int i) const {
    if (i >= kStages) mbar_wait(barrier(2, i), parity(i - kStages));
  }
  /// By one lane: both tiles of stage i, 64 rows from row y on, D columns from column x on.
  __device__ __forceinline__ void load(int i, const TensorMap& a, const TensorMap& b, int x,
                                       int y) const {
    mbar_arrive_expect(barrier(0, i), kTileBytes);
    load_tile(first(i), a, barrier(0, i), x, y);
    mbar_arrive_expect(barrier(1, i), kTileBytes);
    load_tile(second(i), b, barrier(1, i), x, y);
  }
  /// By one lane: tiles 2·group and 2·group + 1 of those that stay, of `groups` groups.
  __device__ __forceinline__ void load_own(int groups, const TensorMap& a, const TensorMap& b,
                                           int x, int y) const {
    mbar_arrive_expect(own_barrier(), 2 * groups * kTileBytes);
    for (int group = 0; group < groups; ++group) {
      load_tile(own(2 * group), a, own_barrier(), x, y + 64 * group);
      load_tile(own(2 * group + 1), b, own_barrier(), x, y + 64 * group);
    }
  }
  static __device__ __forceinline__ void load_tile(uint32_t to, const TensorMap& map, uint32_t bar,
                                                   int x, int y) {
    for (int c = 0; c < kPanels; ++c) tma_load_2d(to + c * kPanelBytes, &map, bar, x + 64 * c, y);
  }

  // ---- the multiplying warps
  __device__ __forceinline__ void wait_first(int i) const { mbar_wait(barrier(0, i), parity(i)); }
  __device__ __forceinline__ void wait_second(int i) const { mbar_wait(barrier(1, i), parity(i)); }
  __device__ __forceinline__ void wait_own() const { mbar_wait(own_barrier(), 0); }
  __device__ __forceinline__ void release(int i) const {
    __syncwarp();
    if ((threadIdx.x & 31) == 0) mbar_arrive(barrier(2, i));
  }
};

/// By all threads of a block that owns queries [query0, query0 + kOwn) of one head: lets one warp
/// fill the ring with the tiles of k and v that they see. True in the warps that have queries,
/// which go on with the registers of the others.
template <class R>
__device__ __forceinline__ bool begin_queries(const R& ring, const AttentionShape& shape,
                                              int query0, const TensorMap& k, const TensorMap& v) {
  const int warp = threadIdx.x >> 5;
  const int groups = min(R::kGroups, (shape.tq - query0 + 63) / 64);  // those that have queries
  if (threadIdx.x == 0) ring.init(groups);
  __syncthreads();
  if (warp >= 4 * R::kGroups) {
    registers_lower<R::kLoadRegisters>();
    const int x = int(blockIdx.y) / shape.group * R::kSize, y = int(blockIdx.z) * shape.tk;
    if (warp == 4 * R::kGroups && (threadIdx.x & 31) == 0)
      for (int j = 0; j < key_tiles(shape, query0 + 64 * groups - 1); ++j) {
        ring.wait_empty(j);
        ring.load(j, k, v, x, y + j * R::kStep);
      }
    return false;
  }
  if (warp >= 4 * groups) return false;
  registers_raise<R::kRegisters>();
  return true;
}

/// Scores of keys from key0 on become −∞ where the lane's row does not see them: its rows are 8
/// apart, `own` is the first one's own key.
__device__ __forceinline__ void hide_later_keys(float (&s)[1][8][4], int key0, int own) {
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    const int key = key0 + i / 4 * 8 + 2 * int(threadIdx.x & 3) + i % 2;
    if (key > own + i % 4 / 2 * 8) s[0][i / 4][i % 4] = -INFINITY;
  }
}

using Panel = float[32];  ///< 64 × 64 accumulators of a warpgroup: [column / 8][4], as in mma.sync

/// Starts c (64, 64) = A · Bᵀ: rows of the tile are columns of c. `a` as left operands, one per 16
/// columns.
template <int kSize>
__device__ __forceinline__ void start_rows(float (&c)[1][8][4], const uint32_t (&a)[kSize / 16][4],
                                           uint32_t tile) {
  constexpr int kPanelBytes = Ring<kSize, 1>::kPanelBytes;
  wgmma_fence();
#pragma unroll
  for (int i = 0; i < kSize / 16; ++i)
    wgmma_m64n64k16_ra<0>(reinterpret_cast<Panel&>(c), a[i],
                          wgmma_desc(tile + i / 4 * kPanelBytes + i % 4 * 32, 1024), i > 0);
  wgmma_commit();
}

/// The same with A in shared memory: a tile of the group's 64 rows.
template <int kSize>
__device__ __forceinline__ void start_rows(float (&c)[1][8][4], uint32_t a, uint32_t tile) {
  wgmma_fence();
#pragma unroll
  for (int i = 0; i < kSize / 16; ++i) {
    const int at = i / 4 * Ring<kSize, 1>::kPanelBytes + i % 4 * 32;
    wgmma_m64n64k16<0>(reinterpret_cast<Panel&>(c), wgmma_desc(a + at, 1024),
                       wgmma_desc(tile + at, 1024), i > 0);
  }
  wgmma_commit();
}

/// Starts c (64, D) += P · B: rows of the tile meet columns of P, given as left operands, one
/// per 16.
template <int kSize>
__device__ __forceinline__ void start_columns(float (&c)[1][kSize / 8][4],
                                              const uint32_t (&p)[4][4], uint32_t tile) {
  wgmma_fence();
#pragma unroll
  for (int panel = 0; panel < kSize / 64; ++panel)
#pragma unroll
    for (int i = 0; i < 4; ++i)
      wgmma_m64n64k16_ra<1>(reinterpret_cast<Panel&>(c[0][8 * panel]), p[i],
                            wgmma_desc(tile + panel * Ring<kSize, 1>::kPanelBytes + i * 2048, 1024),
                            1);
  wgmma_commit();
}

/// Accumulators, rounded to bf16, as left operands.
__device__ __forceinline__ void pack_left(uint32_t (&a)[4][4], const float (&c)[1][8][4]) {
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    const float(&x)[4] = c[0][2 * (i / 4) + i % 4 / 2];
    a[i / 4][i % 4] = i % 2 ? pack(x[2], x[3]) : pack(x[0], x[1]);
  }
}

/// Rows t and t + 8 of a head as left operands, straight from memory; rows from `rows` on are 0.
template <int kSize>
__device__ __forceinline__ void load_left_rows(uint32_t (&a)[kSize / 16][4],
                                               const __nv_bfloat16* head, int64_t stride, int t,
                                               int rows) {
  const int p = threadIdx.x & 3;
#pragma unroll
  for (int i = 0; i < kSize / 4; ++i) {
    const int row = t + i % 2 * 8, column = 16 * (i / 4) + i % 4 / 2 * 8 + 2 * p;
    const __nv_bfloat16* from = head + row * stride + column;
    a[i / 4][i % 4] = row < rows ? *reinterpret_cast<const uint32_t*>(from) : 0;
  }
}

}  // namespace causeway::cuda
