// Attention forward on tensor cores (bf16, sm_80 and up): a block owns 64·M queries of one head and
// walks over tiles of keys, each row keeping a running maximum, sum and weighted value (Milakov &
// Gimelshein 2018, arXiv:1805.02867; Dao 2023, arXiv:2307.08691). Read next:
// attention_backward_mma.cuh.
#pragma once
#include "cuda/attention_mma.cuh"

namespace causeway::cuda {

/// M: tiles of 16 queries per warp. Two halve the shared memory traffic per product, one leaves
/// registers for wide heads.
template <int kSize, int kM>
struct ForwardTiles {
  static constexpr int kQueries = 16 * kM * kMmaWarps, kKeys = 64;
  static constexpr int kQBytes = Tile<kSize>::bytes(kQueries);
  static constexpr int kKeyBytes = Tile<kSize>::bytes(kKeys);
  static constexpr int kSharedBytes = kQBytes + 4 * kKeyBytes;  // q, two stages of (k, v)
};

/// How far, in powers of two, a row may outgrow its level before it is rescaled. Any headroom gives
/// the same quotients; 8 makes rescaling rare and keeps probabilities below 256.
constexpr float kHeadroom = 8;

/// The running softmax of a warp's rows: probabilities are 2^(factor · score − level).
template <int kM>
struct Softmax {
  float level[kM][2], total[kM][2];  // total: of this lane's columns alone, until finish()
  float keep[kM][2];                 // what the last lift() left of earlier probabilities

  __device__ __forceinline__ Softmax() {
#pragma unroll
    for (int i = 0; i < 2 * kM; ++i) level[i / 2][i % 2] = -INFINITY, total[i / 2][i % 2] = 0.0f;
  }

  /// Lifts the levels to the highest score where they lag too far behind, and says whether it did:
  /// then the values gathered so far want rescale(). The answer is the warp's.
  template <int kN>
  __device__ __forceinline__ bool lift(const float (&s)[kM][kN][4], float factor) {
    float top[kM][2];
    bool lags = false;
#pragma unroll
    for (int i = 0; i < 2 * kM; ++i) {
      float& x = top[i / 2][i % 2];
      x = -INFINITY;
#pragma unroll
      for (int n = 0; n < kN; ++n)
        x = fmaxf(x, fmaxf(s[i / 2][n][i % 2 * 2], s[i / 2][n][i % 2 * 2 + 1]));
      x = fmaxf(x, __shfl_xor_sync(kFullMask, x, 1));  // a row lives in four lanes
      x = fmaxf(x, __shfl_xor_sync(kFullMask, x, 2)) * factor;
      lags |= x > level[i / 2][i % 2] + kHeadroom;
    }
    if (!__any_sync(kFullMask, lags)) return false;
#pragma unroll
    for (int i = 0; i < 2 * kM; ++i) {
      const int m = i / 2, r = i % 2;
      const float higher = fmaxf(top[m][r], level[m][r]);
      keep[m][r] = higher == -INFINITY ? 1.0f : ex2(level[m][r] - higher);
      level[m][r] = higher, total[m][r] *= keep[m][r];
    }
    return true;
  }

  template <int kColumns>
  __device__ __forceinline__ void rescale(float (&o)[kM][kColumns][4]) const {
#pragma unroll
    for (int i = 0; i < kM * kColumns * 4; ++i)
      o[i / (4 * kColumns)][i / 4 % kColumns][i % 4] *= keep[i / (4 * kColumns)][i % 4 / 2];
  }

  /// Scores → probabilities.
  template <int kN>
  __device__ __forceinline__ void exponentiate(float (&s)[kM][kN][4], float factor) {
#pragma unroll
    for (int i = 0; i < 2 * kM; ++i) {
      const int m = i / 2, r = i % 2;
      const float base =
          level[m][r] == -INFINITY ? 0.0f : level[m][r];  // no key seen so far: p = 0
#pragma unroll
      for (int n = 0; n < kN; ++n)
#pragma unroll
        for (int e = 2 * r; e < 2 * r + 2; ++e) {
          s[m][n][e] = ex2(s[m][n][e] * factor - base);
          total[m][r] += s[m][n][e];
        }
    }
  }

  /// o / total; returns in `total` the whole sum of each row. A row that saw no key becomes 0.
  template <int kColumns>
  __device__ __forceinline__ void finish(float (&o)[kM][kColumns][4]) {
#pragma unroll
    for (int m = 0; m < kM; ++m)
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        float& sum = total[m][r];
        sum += __shfl_xor_sync(kFullMask, sum, 1);
        sum += __shfl_xor_sync(kFullMask, sum, 2);
        const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
#pragma unroll
        for (int c = 0; c < kColumns; ++c) o[m][c][2 * r] *= inverse, o[m][c][2 * r + 1] *= inverse;
      }
  }
};

/// lse of a warp's finished rows: of the lane's, 8 apart, the first is `query`.
template <int kM>
__device__ __forceinline__ void store_lse(const AttentionForwardArgs<__nv_bfloat16>& a, int batch,
                                          int head, int query, const Softmax<kM>& softmax) {
  const AttentionShape& shape = a.shape;
#pragma unroll
  for (int i = 0; i < 2 * kM; ++i)
    if ((threadIdx.x & 3) == 0 && query + 8 * i < shape.tq)
      a.lse[(int64_t{batch} * shape.heads + head) * shape.tq + query + 8 * i] =
          softmax.level[i / 2][i % 2] * kLn2 + logf(softmax.total[i / 2][i % 2]);
}

/// o (B, Tq, H, D), lse (B, H, Tq) written. Grid (⌈Tq / queries⌉, H, B), kMmaThreads threads.
template <int kSize, int kM, Scores kScores>
__global__ void __launch_bounds__(kMmaThreads)
    attention_forward_mma_kernel(const AttentionForwardArgs<__nv_bfloat16> a) {
  using Tiles = ForwardTiles<kSize, kM>;
  constexpr int kKeys = Tiles::kKeys, kSteps = kSize / 16;
  // Queries stay in registers where there is room, else are read again for every tile of keys.
  constexpr bool kHeld = kM == 1 || kScores == Scores::Causal;
  constexpr int kLeft = kHeld ? kSteps : 1;
  KDYN_SHARED(smem);
  const AttentionShape& shape = a.shape;
  const int lane = threadIdx.x & 31, g = lane >> 2, p = lane & 3;
  const int row = (threadIdx.x >> 5) * 16 * kM;  // of the tile: this warp's first
  const int head = blockIdx.y, batch = blockIdx.z, kv_head = head / shape.group;
  const int query0 = (gridDim.x - 1 - blockIdx.x) * Tiles::kQueries;  // longest rows first
  const __nv_bfloat16* k = a.k.head(batch, kv_head, kSize);
  const __nv_bfloat16* v = a.v.head(batch, kv_head, kSize);
  const uint32_t s_q = smem_u32(smem), s_k = s_q + Tiles::kQBytes, s_v = s_k + Tiles::kKeyBytes;
  const auto load_keys = [&](int key0, int stage) {
    const int at = stage * 2 * Tiles::kKeyBytes;
    load_tile<kSize, kKeys>(s_k + at, k, a.k.t, key0, shape.tk);
    load_tile<kSize, kKeys>(s_v + at, v, a.v.t, key0, shape.tk);
    cp_async_commit();
  };

  int key_begin = 0, first[kM][2] = {};
  if constexpr (kScores == Scores::General) {
    key_begin = first_key_of_all<kMmaWarps>(shape, batch, query0, Tiles::kQueries) / kKeys * kKeys;
#pragma unroll
    for (int i = 0; i < 2 * kM; ++i) {
      const int query = query0 + row + 8 * i + g;
      first[i / 2][i % 2] = query < shape.tq ? shape.first_key_of(batch, query) : 0;
    }
  }
  const int key_end = min(shape.own_key(query0 + Tiles::kQueries - 1) + 1, shape.tk);
  load_tile<kSize, Tiles::kQueries>(s_q, a.q.head(batch, head, kSize), a.q.t, query0, shape.tq);
  load_keys(key_begin, 0);

  const Scorer score(shape, head);
  const float factor = kScores == Scores::Causal ? score.factor : 1.0f;
  uint32_t q[kLeft][kM][4];
  float o[kM][kSize / 8][4] = {};
  Softmax<kM> softmax;
  const int own0 = shape.own_key(query0 + row);  // of the warp's first query
  for (int key0 = key_begin, stage = 0; key0 < key_end; key0 += kKeys, stage ^= 1) {
    cp_async_wait<0>();
    __syncthreads();  // this stage has landed, and the other one has been read
    if (kHeld && key0 == key_begin) {
#pragma unroll
      for (int i = 0; i < kSteps; ++i) load_left<kSize>(q[i % kLeft], s_q, row, i);
    }
    if (key0 + kKeys < key_end) load_keys(key0 + kKeys, stage ^ 1);
    if (key0 >= own0 + 16 * kM || query0 + row >= shape.tq) continue;  // the warp sees nothing
    const int at = stage * 2 * Tiles::kKeyBytes;
    float s[kM][kKeys / 8][4] = {};
#pragma unroll
    for (int i = 0; i < kSteps; ++i) {
      if (!kHeld) load_left<kSize>(q[0], s_q, row, i);
      multiply_rows<kSize>(s, q[i % kLeft], s_k + at, i);
    }
    if (kScores == Scores::General || key0 + kKeys > own0 + 1) {
#pragma unroll
      for (int i = 0; i < kM * kKeys / 2; ++i) {
        const int m = i / (kKeys / 2), n = i / 4 % (kKeys / 8), e = i % 4;
        const int key = key0 + 8 * n + 2 * p + (e & 1), own = own0 + 16 * m + 8 * (e >> 1) + g;
        float& x = s[m][n][e];
        if constexpr (kScores == Scores::General)
          x = key <= own && key >= first[m][e >> 1] ? score(x, own - key).value : -INFINITY;
        else if (key > own)
          x = -INFINITY;
      }
    }
    if (softmax.lift(s, factor)) softmax.rescale(o);
    softmax.exponentiate(s, factor);
    multiply_columns<kSize>(o, s, s_v + at);
  }

  softmax.finish(o);
  store_rows<kSize>(a.o.head(batch, head, kSize), a.o.t, query0, shape.tq, o, smem, row);
  store_lse(a, batch, head, query0 + row + g, softmax);
}

}  // namespace causeway::cuda
