// Attention backward on tensor cores, in two kernels that own what they write, so no sum depends on
// the order of blocks: one owns queries and gives d_q, the other owns keys and gives d_k and d_v.
// Both make the probabilities again from q, k and lse:
//   p = exp(score − lse), dp = d_o·v, ds = p · (dp − delta) · scale, delta = Σ d_o·o
//   d_q = ds · k, d_k = dsᵀ · q, d_v = pᵀ · d_o
// Dao 2023, arXiv:2307.08691. Derivation and choice: docs/attention.md.
#pragma once
#include "cuda/attention_mma.cuh"

namespace causeway::cuda {

/// Probability and gradient of a score (before `scale`) in place of q·k and d_o·v.
template <Scores kScores>
__device__ __forceinline__ void differentiate(float& s, float& dp, const Scorer& scorer,
                                              int distance, bool visible, float level,
                                              float delta) {
  if constexpr (kScores == Scores::General) {
    const Score score = scorer(s, distance);
    s = visible ? ex2(score.value - level) : 0.0f;
    dp = s * (dp - delta) * score.cap_slope;
  } else {
    s = visible ? ex2(s * scorer.factor - level) : 0.0f;
    dp = s * (dp - delta);
  }
}

template <int kM, int kN>
__device__ __forceinline__ void scale_all(float (&c)[kM][kN][4], float factor) {
#pragma unroll
  for (int i = 0; i < kM * kN * 4; ++i) c[i / (4 * kN)][i / 4 % kN][i % 4] *= factor;
}

/// M: tiles of 16 rows per warp. kStep: rows of the other side per step of the loop.
template <int kSize, int kM, int kStep>
struct BackwardTiles {
  static constexpr int kRows = 16 * kM * kMmaWarps;
  static constexpr int kRowBytes = Tile<kSize>::bytes(kRows);   // of each of two tensors
  static constexpr int kStepBytes = Tile<kSize>::bytes(kStep);  // likewise
  static constexpr int kStatBytes = 4 * kStep;                  // of each of three statistics
  static constexpr int kQuerySharedBytes = 2 * kRowBytes + 4 * kStepBytes;
  static constexpr int kKeyStageBytes = 2 * kStepBytes + 3 * kStatBytes;
  static constexpr int kKeySharedBytes = 2 * kRowBytes + 2 * kKeyStageBytes;
};

/// d_q (B, T, H, D) written. Grid (⌈T / rows⌉, H, B), kMmaThreads threads.
template <int kSize, int kM, int kStep, Scores kScores>
__global__ void __launch_bounds__(kMmaThreads)
    attention_backward_queries_mma_kernel(const AttentionBackwardArgs<__nv_bfloat16> a) {
  using Tiles = BackwardTiles<kSize, kM, kStep>;
  constexpr int kKeys = kStep;
  KDYN_SHARED(smem);
  const AttentionShape& shape = a.shape;
  const int lane = threadIdx.x & 31, g = lane >> 2, p = lane & 3;
  const int row = (threadIdx.x >> 5) * 16 * kM;  // of the tile: this warp's first
  const int head = blockIdx.y, batch = blockIdx.z, kv_head = head / shape.group;
  const int query0 = (gridDim.x - 1 - blockIdx.x) * Tiles::kRows;  // longest rows first
  const __nv_bfloat16* k = a.k.head(batch, kv_head, kSize);
  const __nv_bfloat16* v = a.v.head(batch, kv_head, kSize);
  const uint32_t s_q = smem_u32(smem), s_do = s_q + Tiles::kRowBytes;
  const uint32_t s_k = s_do + Tiles::kRowBytes, s_v = s_k + Tiles::kStepBytes;
  const auto load_keys = [&](int key0, int stage) {
    const int at = stage * 2 * Tiles::kStepBytes;
    load_tile<kSize, kKeys>(s_k + at, k, a.k.t, key0, shape.tk);
    load_tile<kSize, kKeys>(s_v + at, v, a.v.t, key0, shape.tk);
    cp_async_commit();
  };

  int key_begin = 0, first[kM][2] = {};
  if constexpr (kScores == Scores::General)
    key_begin = first_key_of_all<kMmaWarps>(shape, batch, query0, Tiles::kRows) / kKeys * kKeys;
  const int key_end = min(query0 + Tiles::kRows, shape.tk);
  load_tile<kSize, Tiles::kRows>(s_q, a.q.head(batch, head, kSize), a.q.t, query0, shape.tq);
  load_tile<kSize, Tiles::kRows>(s_do, a.d_o.head(batch, head, kSize), a.d_o.t, query0, shape.tq);
  load_keys(key_begin, 0);

  float level[kM][2], delta[kM][2];
#pragma unroll
  for (int i = 0; i < 2 * kM; ++i) {
    const int query = query0 + row + 8 * i + g;
    const bool valid = query < shape.tq;
    const int64_t at = a.stats(batch, head) + query;
    level[i / 2][i % 2] = valid ? a.level[at] : 0.0f;
    delta[i / 2][i % 2] = valid ? a.delta[at] : 0.0f;
    if (kScores == Scores::General && valid) first[i / 2][i % 2] = shape.first_key_of(batch, query);
  }

  const Scorer scorer(shape, head);
  float d_q[kM][kSize / 8][4] = {};
  for (int key0 = key_begin, stage = 0; key0 < key_end; key0 += kKeys, stage ^= 1) {
    cp_async_wait<0>();
    __syncthreads();  // this stage has landed, and the other one has been read
    if (key0 + kKeys < key_end) load_keys(key0 + kKeys, stage ^ 1);
    if (key0 >= query0 + row + 16 * kM || query0 + row >= shape.tq) continue;  // nothing to see
    const int at = stage * 2 * Tiles::kStepBytes;
    float s[kM][kKeys / 8][4] = {}, dp[kM][kKeys / 8][4] = {};
#pragma unroll
    for (int i = 0; i < kSize / 16; ++i) {
      uint32_t left[kM][4];
      load_left<kSize>(left, s_q, row, i);
      multiply_rows<kSize>(s, left, s_k + at, i);
      load_left<kSize>(left, s_do, row, i);
      multiply_rows<kSize>(dp, left, s_v + at, i);
    }
    const auto differentiate_tile = [&](auto masked) {
#pragma unroll
      for (int i = 0; i < kM * kKeys / 2; ++i) {
        const int m = i / (kKeys / 2), n = i / 4 % (kKeys / 8), e = i % 4;
        const int key = key0 + 8 * n + 2 * p + (e & 1);
        const int query = query0 + row + 16 * m + 8 * (e >> 1) + g;
        const bool visible = !decltype(masked)::value || (key <= query && key >= first[m][e >> 1]);
        differentiate<kScores>(s[m][n][e], dp[m][n][e], scorer, query - key, visible,
                               level[m][e >> 1], delta[m][e >> 1]);
      }
    };
    if (kScores == Scores::General || key0 + kKeys > query0 + row + 1)
      differentiate_tile(std::true_type{});
    else  // every query of the warp sees every key
      differentiate_tile(std::false_type{});
    multiply_columns<kSize>(d_q, dp, s_k + at);
  }
  scale_all(d_q, shape.scale);
  store_rows<kSize>(a.d_q.head(batch, head, kSize), a.d_q.t, query0, shape.tq, d_q, smem, row);
}

/// c += A · Bᵀ with rows [row, row + 16·M) of tile `a` and all rows of tile `b`.
template <int kSize, int kM, int kN>
__device__ __forceinline__ void multiply_tiles(float (&c)[kM][kN][4], uint32_t a, int row,
                                               uint32_t b) {
#pragma unroll
  for (int step = 0; step < kSize / 16; ++step) {
    uint32_t left[kM][4];
    load_left<kSize>(left, a, row, step);
    multiply_rows<kSize>(c, left, b, step);
  }
}

/// Starts loading a stage: q and d_o of kStep queries from query0 on, then their level, delta and
/// (General) first key.
template <class Tiles, int kSize, int kStep, Scores kScores>
__device__ __forceinline__ void load_queries(unsigned char* stage,
                                             const AttentionBackwardArgs<__nv_bfloat16>& a,
                                             int batch, int head, int query0) {
  const AttentionShape& shape = a.shape;
  const uint32_t at = smem_u32(stage);
  load_tile<kSize, kStep>(at, a.q.head(batch, head, kSize), a.q.t, query0, shape.tq);
  load_tile<kSize, kStep>(at + Tiles::kStepBytes, a.d_o.head(batch, head, kSize), a.d_o.t, query0,
                          shape.tq);
  constexpr int kChunks = kStep / 4;  // of 16 bytes
  const int thread = threadIdx.x, c = thread % kChunks;
  const uint32_t stats = at + 2 * Tiles::kStepBytes;
  const int64_t from = a.stats(batch, head) + query0 + 4 * c;
  if (thread < kChunks)
    cp_async16(stats + 16 * c, a.level + from);
  else if (thread < 2 * kChunks)
    cp_async16(stats + Tiles::kStatBytes + 16 * c, a.delta + from);
  if (kScores == Scores::General && thread < kStep) {
    int* const first =
        reinterpret_cast<int*>(stage + 2 * Tiles::kStepBytes + 2 * Tiles::kStatBytes);
    const int query = query0 + thread;
    first[thread] = query < shape.tq ? shape.first_key_of(batch, query) : 0;
  }
  cp_async_commit();
}

/// d_k, d_v (B, T, K, D) written. Scores are computed transposed, keys by queries, so that p and ds
/// are in place as left operands. Grid (⌈T / rows⌉, K, B), kMmaThreads threads.
template <int kSize, int kM, int kStep, Scores kScores>
__global__ void __launch_bounds__(kMmaThreads)
    attention_backward_keys_mma_kernel(const AttentionBackwardArgs<__nv_bfloat16> a) {
  using Tiles = BackwardTiles<kSize, kM, kStep>;
  constexpr int kQueries = kStep;
  KDYN_SHARED(smem);
  const AttentionShape& shape = a.shape;
  const int lane = threadIdx.x & 31, g = lane >> 2, p = lane & 3;
  const int row = (threadIdx.x >> 5) * 16 * kM;  // of the tile: this warp's first
  const int kv_head = blockIdx.y, batch = blockIdx.z, key0 = blockIdx.x * Tiles::kRows;
  const int key_end = min(key0 + Tiles::kRows, shape.tk);
  const QueryTiles<kStep, kScores> tiles(shape, batch, key0, key_end);
  const uint32_t s_k = smem_u32(smem), s_v = s_k + Tiles::kRowBytes;
  unsigned char* const stages = smem + 2 * Tiles::kRowBytes;
  const auto load_stage = [&](int i, int stage) {
    load_queries<Tiles, kSize, kStep, kScores>(stages + stage * Tiles::kKeyStageBytes, a, batch,
                                               kv_head * shape.group + tiles.head_in_group(i),
                                               tiles.query0(i));
  };

  load_tile<kSize, Tiles::kRows>(s_k, a.k.head(batch, kv_head, kSize), a.k.t, key0, shape.tk);
  load_tile<kSize, Tiles::kRows>(s_v, a.v.head(batch, kv_head, kSize), a.v.t, key0, shape.tk);
  int i = tiles.next(0);
  if (i < tiles.total) load_stage(i, 0);

  float d_k[kM][kSize / 8][4] = {}, d_v[kM][kSize / 8][4] = {};
  for (int stage = 0; i < tiles.total; stage ^= 1) {
    cp_async_wait<0>();
    __syncthreads();  // this stage has landed, and the other one has been read
    const int query0 = tiles.query0(i), head = kv_head * shape.group + tiles.head_in_group(i);
    i = tiles.next(i + 1);
    if (i < tiles.total) load_stage(i, stage ^ 1);
    if (query0 + kQueries <= key0 + row || key0 + row >= shape.tk) continue;  // nothing to see
    unsigned char* const q = stages + stage * Tiles::kKeyStageBytes;
    const uint32_t s_q = smem_u32(q), s_do = s_q + Tiles::kStepBytes;
    const float* const level = reinterpret_cast<const float*>(q + 2 * Tiles::kStepBytes);
    const float* const delta = level + kQueries;
    const int* const first = reinterpret_cast<const int*>(delta + kQueries);
    float s[kM][kQueries / 8][4] = {}, dp[kM][kQueries / 8][4] = {};
    multiply_tiles<kSize>(s, s_k, row, s_q);
    multiply_tiles<kSize>(dp, s_v, row, s_do);
    const Scorer scorer(shape, head);
    const auto differentiate_tile = [&](auto masked) {
#pragma unroll
      for (int n = 0; n < kQueries / 8; ++n) {
        const int column = 8 * n + 2 * p;  // this lane's queries: column and column + 1
        const float2 levels = *reinterpret_cast<const float2*>(level + column);
        const float2 deltas = *reinterpret_cast<const float2*>(delta + column);
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          const int query = query0 + column + c;
          const int first_key = kScores == Scores::General ? first[column + c] : 0;
#pragma unroll
          for (int r = 0; r < 2 * kM; ++r) {
            const int m = r / 2, e = r % 2 * 2 + c, key = key0 + row + 8 * r + g;
            const bool visible = !decltype(masked)::value || (key <= query && key >= first_key);
            differentiate<kScores>(s[m][n][e], dp[m][n][e], scorer, query - key, visible,
                                   c ? levels.y : levels.x, c ? deltas.y : deltas.x);
          }
        }
      }
    };
    if (kScores == Scores::General || query0 < key0 + row + 16 * kM - 1)
      differentiate_tile(std::true_type{});
    else  // every query sees every key of the warp
      differentiate_tile(std::false_type{});
    multiply_columns<kSize>(d_k, dp, s_q);
    multiply_columns<kSize>(d_v, s, s_do);
  }
  cp_async_wait<0>();  // where no query sees these keys, they are still on their way
  __syncthreads();
  scale_all(d_k, shape.scale);
  store_rows<kSize>(a.d_k.head(batch, kv_head, kSize), a.d_k.t, key0, shape.tk, d_k, smem, row);
  store_rows<kSize>(a.d_v.head(batch, kv_head, kSize), a.d_v.t, key0, shape.tk, d_v,
                    smem + Tiles::kRowBytes, row);
}

}  // namespace causeway::cuda
