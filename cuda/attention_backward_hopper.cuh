// Causal attention backward on Hopper: the two kernels of attention_backward_mma.cuh, whose
// formulas stand there, over the ring of attention_hopper.cuh. While the tensor cores make d_o·v, a
// warpgroup exponentiates the scores; what it adds to its gradients runs on into the next tile.
#pragma once
#include "cuda/attention_backward_mma.cuh"
#include "cuda/attention_hopper.cuh"

namespace causeway::cuda {

template <int kSize>
using QueryRing = Ring<kSize, 2>;
/// With level and delta of the 64 queries of each stage; at head 128 the block's own keys and
/// values stay in shared memory, because registers are full of their gradients.
template <int kSize>
using KeyRing = Ring<kSize, 2, kSize == 64 ? 0 : 4, 2 * 4 * 64>;

/// The 64 rows of k or v that a warpgroup owns, as left operands in registers or as a tile.
template <int kSize>
using OwnRows = std::conditional_t<kSize == 64, uint32_t[kSize / 16][4], uint32_t>;

/// d_q (B, T, H, D) written. k and v are mapped as (B·T, K·D) in boxes of 64 × 64.
/// Grid (⌈T / kOwn⌉, H, B), kThreads threads of the ring.
template <int kSize>
__global__ void __launch_bounds__(QueryRing<kSize>::kThreads, 1)
    attention_backward_queries_hopper_kernel(const AttentionBackwardArgs<__nv_bfloat16> a,
                                             const KGRID_CONSTANT TensorMap k,
                                             const KGRID_CONSTANT TensorMap v) {
  using R = QueryRing<kSize>;
  KDYN_SHARED(smem);
  const AttentionShape& shape = a.shape;
  const R ring{smem_u32(smem)};
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2;
  const int head = blockIdx.y, batch = blockIdx.z;
  const int query0 = (gridDim.x - 1 - blockIdx.x) * R::kOwn;  // longest rows first
  if (!begin_queries(ring, shape, query0, k, v)) return;

  const int row = 16 * warp, query = query0 + row + g;  // the lane's rows: query and query + 8
  const int count = key_tiles(shape, query0 + warp / 4 * 64 + 63);
  const float factor = shape.scale * kLog2E;
  uint32_t q[kSize / 16][4], d_o[kSize / 16][4], weights[4][4];
  load_left_rows<kSize>(q, a.q.head(batch, head, kSize), a.q.t, query, shape.tq);
  load_left_rows<kSize>(d_o, a.d_o.head(batch, head, kSize), a.d_o.t, query, shape.tq);
  float level[2], delta[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const bool valid = query + 8 * r < shape.tq;
    const int64_t at = a.stats(batch, head) + query + 8 * r;
    level[r] = valid ? a.level[at] : 0.0f, delta[r] = valid ? a.delta[at] : 0.0f;
  }

  float d_q[1][kSize / 8][4] = {}, s[1][8][4], dp[1][8][4];
  for (int j = 0; j < count; ++j) {
    ring.wait_first(j);
    start_rows<kSize>(s, q, ring.first(j));
    ring.wait_second(j);
    start_rows<kSize>(dp, d_o, ring.second(j));
    wgmma_wait<1>();  // the scores, and d_q of the tile before
    if (j > 0) ring.release(j - 1);
    if ((j + 1) * R::kStep > query0 + row + 1) hide_later_keys(s, j * R::kStep, query);
#pragma unroll
    for (int i = 0; i < 32; ++i)
      s[0][i / 4][i % 4] = ex2(s[0][i / 4][i % 4] * factor - level[i % 4 / 2]);
    wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < 32; ++i) s[0][i / 4][i % 4] *= dp[0][i / 4][i % 4] - delta[i % 4 / 2];
    pack_left(weights, s);
    start_columns<kSize>(d_q, weights, ring.first(j));
  }
  wgmma_wait<0>();
  scale_all(d_q, shape.scale);
  store_rows<kSize>(a.d_q.head(batch, head, kSize), a.d_q.t, query0, shape.tq, d_q,
                    smem + R::kResults, row);
}

/// Level and delta of the queries of tile i: kStep of each, in its stage.
template <class R>
__device__ __forceinline__ float* stats_of(unsigned char* smem, int i) {
  return reinterpret_cast<float*>(smem + R::kStats) + i % R::kStages * 2 * R::kStep;
}

struct KeyMaps {
  const TensorMap &q, &d_o, &k, &v;
};

/// As begin_queries, for the keys from key0 on: a warp fills the ring with the tiles of q and d_o
/// that see them, their level and delta, and at head 128 first with the keys and values.
template <class R, class Tiles>
__device__ __forceinline__ bool begin_keys(const R& ring, unsigned char* smem, int key0,
                                           const AttentionBackwardArgs<__nv_bfloat16>& a,
                                           const Tiles& tiles, const KeyMaps& maps) {
  const AttentionShape& shape = a.shape;
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  const int kv_head = blockIdx.y, batch = blockIdx.z;
  const int groups = min(R::kGroups, (shape.tk - key0 + 63) / 64);  // those that have keys
  if (threadIdx.x == 0) ring.init(groups, 2);
  __syncthreads();
  if (warp < 4 * R::kGroups) {
    if (warp >= 4 * groups) return false;
    registers_raise<R::kRegisters>();
    return true;
  }
  registers_lower<R::kLoadRegisters>();
  if (warp > 4 * R::kGroups) return false;
  if (R::kSize > 64 && lane == 0)
    ring.load_own(groups, maps.k, maps.v, kv_head * R::kSize, batch * shape.tk + key0);
  for (int i = 0; i < tiles.total; ++i) {
    ring.wait_empty(i);
    const int head = kv_head * shape.group + tiles.head_in_group(i), query0 = tiles.query0(i);
    if (lane == 0) ring.load(i, maps.q, maps.d_o, head * R::kSize, batch * shape.tq + query0);
    float* const stats = stats_of<R>(smem, i);
#pragma unroll
    for (int r = lane; r < R::kStep; r += 32) {
      const int64_t at = a.stats(batch, head) + query0 + r;
      stats[r] = a.level[at], stats[R::kStep + r] = a.delta[at];
    }
    __syncwarp();
    if (lane == 0) mbar_arrive(ring.barrier(0, i));
  }
  return false;
}

/// d_k, d_v (B, T, K, D) written. q and d_o are mapped as (B·T, H·D) in boxes of 64 × 64, k and v
/// as (B·T, K·D). Scores are computed transposed, keys by queries. Grid (⌈T / kOwn⌉, K, B),
/// kThreads threads of the ring.
template <int kSize>
__global__ void __launch_bounds__(KeyRing<kSize>::kThreads, 1)
    attention_backward_keys_hopper_kernel(const AttentionBackwardArgs<__nv_bfloat16> a,
                                          const KGRID_CONSTANT TensorMap q,
                                          const KGRID_CONSTANT TensorMap d_o,
                                          const KGRID_CONSTANT TensorMap k_map,
                                          const KGRID_CONSTANT TensorMap v_map) {
  using R = KeyRing<kSize>;
  KDYN_SHARED(smem);
  const AttentionShape& shape = a.shape;
  const R ring{smem_u32(smem)};
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, g = lane >> 2, p = lane & 3;
  const int kv_head = blockIdx.y, batch = blockIdx.z, key0 = blockIdx.x * R::kOwn;
  const QueryTiles<R::kStep, Scores::Causal> tiles(shape, batch, key0, shape.tk);
  if (!begin_keys(ring, smem, key0, a, tiles, {q, d_o, k_map, v_map})) return;

  const int row = 16 * warp, key = key0 + row + g;  // the lane's rows: key and key + 8
  const float factor = shape.scale * kLog2E;
  uint32_t weights[4][4], slopes[4][4];
  OwnRows<kSize> k, v;
  if constexpr (kSize == 64) {
    load_left_rows<kSize>(k, a.k.head(batch, kv_head, kSize), a.k.t, key, shape.tk);
    load_left_rows<kSize>(v, a.v.head(batch, kv_head, kSize), a.v.t, key, shape.tk);
  } else {
    k = ring.own(warp / 4 * 2), v = ring.own(warp / 4 * 2 + 1);
    ring.wait_own();
  }
  float d_k[1][kSize / 8][4] = {}, d_v[1][kSize / 8][4] = {}, s[1][8][4], dp[1][8][4];
  for (int i = 0; i < tiles.total; ++i) {
    ring.wait_first(i);
    start_rows<kSize>(s, k, ring.first(i));
    ring.wait_second(i);
    start_rows<kSize>(dp, v, ring.second(i));
    wgmma_wait<1>();  // the scores, and the gradients of the tile before
    if (i > 0) ring.release(i - 1);
    const int query0 = tiles.query0(i);
    if (query0 < key0 + row + 15) {
#pragma unroll
      for (int e = 0; e < 32; ++e) {
        const int query = query0 + e / 4 * 8 + 2 * p + e % 2;
        if (query < key + e % 4 / 2 * 8) s[0][e / 4][e % 4] = -INFINITY;
      }
    }
    const float* const level = stats_of<R>(smem, i);
#pragma unroll
    for (int n = 0; n < 8; ++n) {
      const float2 levels = *reinterpret_cast<const float2*>(level + 8 * n + 2 * p);
#pragma unroll
      for (int e = 0; e < 4; ++e)
        s[0][n][e] = ex2(s[0][n][e] * factor - (e % 2 ? levels.y : levels.x));
    }
    pack_left(weights, s);
    wgmma_wait<0>();
#pragma unroll
    for (int n = 0; n < 8; ++n) {
      const float2 deltas = *reinterpret_cast<const float2*>(level + R::kStep + 8 * n + 2 * p);
#pragma unroll
      for (int e = 0; e < 4; ++e) s[0][n][e] *= dp[0][n][e] - (e % 2 ? deltas.y : deltas.x);
    }
    pack_left(slopes, s);
    start_columns<kSize>(d_v, weights, ring.second(i));
    start_columns<kSize>(d_k, slopes, ring.first(i));
    // At head 128 the next tile's scores want the registers of these products' operands.
    if constexpr (kSize > 64) wgmma_wait<0>();
  }
  wgmma_wait<0>();
  scale_all(d_k, shape.scale);
  unsigned char* const results = smem + R::kResults;
  store_rows<kSize>(a.d_k.head(batch, kv_head, kSize), a.d_k.t, key0, shape.tk, d_k, results, row);
  store_rows<kSize>(a.d_v.head(batch, kv_head, kSize), a.d_v.t, key0, shape.tk, d_v, results, row);
}

}  // namespace causeway::cuda
