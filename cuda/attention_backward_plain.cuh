// Attention backward without tensor cores: the two kernels of attention_backward_mma.cuh, whose
// formulas stand there, over the tiles of attention_plain.cuh.
#pragma once
#include "cuda/attention_plain.cuh"

namespace causeway::cuda {

template <int kCapacity>
constexpr int kPlainBackwardBytes = 4 * (4 * Plain<kCapacity>::kTileFloats +
                                         2 * Plain<kCapacity>::kWeightFloats);

/// A query as its keys see it; one past the end is seen by none.
struct PlainQuery {
  int query, first;  ///< its first key
  float lse, delta;
};
template <class T>
__device__ __forceinline__ PlainQuery plain_query(const AttentionBackwardArgs<T>& a, int batch,
                                                  int head, int query) {
  const AttentionShape& shape = a.shape;
  if (query >= shape.tq) return {query, 0x7fffffff, 0.0f, 0.0f};
  const int64_t row = int64_t{batch} * shape.heads + head;
  return {query, shape.first_key_of(batch, query), a.lse[row * shape.tq + query],
          a.delta[a.stats(batch, head) + query]};
}

/// Probability, and gradient of q·k, of one pair; 0 where it is not in sight.
struct PairGradient {
  float p, ds;
};
__device__ __forceinline__ PairGradient pair_gradient(const AttentionShape& shape, int head,
                                                      const PlainQuery& q, int key, float dot,
                                                      float dp) {
  if (key > q.query || key < q.first) return {0.0f, 0.0f};
  const Score score = exact_score(shape, head, dot, q.query - key);
  const float p = expf(score.value - q.lse);
  return {p, p * (dp - q.delta) * score.cap_slope * shape.scale};
}

/// The same rows of two tensors of one head, between barriers.
template <class P, class T>
__device__ __forceinline__ void load_two(float* x_tile, float* y_tile, const Heads<const T>& x,
                                         const Heads<const T>& y, int batch, int head, int row0,
                                         int rows, int size) {
  __syncthreads();  // the last tiles have been read
  P::load(x_tile, x.head(batch, head, size), x.t, row0, rows, size);
  P::load(y_tile, y.head(batch, head, size), y.t, row0, rows, size);
  __syncthreads();
}

/// d_q (B, T, H, D) written. Grid (⌈T / tile⌉, H, B), kPlainThreads threads.
template <class T, int kCapacity>
__global__ void __launch_bounds__(kPlainThreads, 2)
    attention_backward_queries_plain_kernel(const AttentionBackwardArgs<T> a) {
  using P = Plain<kCapacity>;
  KDYN_SHARED(smem);
  float* const q = reinterpret_cast<float*>(smem);
  float* const d_o = q + P::kTileFloats;
  float* const k = d_o + P::kTileFloats;
  float* const v = k + P::kTileFloats;
  float* const w = v + P::kTileFloats;
  const AttentionShape& shape = a.shape;
  const int head = blockIdx.y, batch = blockIdx.z, kv_head = head / shape.group;
  const int query0 = (gridDim.x - 1 - blockIdx.x) * P::kTile, size = shape.size;
  const int key_begin = first_key_of_all<kPlainWarps>(shape, batch, query0, P::kTile);
  const int key_end = min(query0 + P::kTile, shape.tk);
  load_two<P>(q, d_o, a.q, a.d_o, batch, head, query0, shape.tq, size);

  typename P::Rows d_q = {};
  for (int key0 = key_begin; key0 < key_end; key0 += P::kTile) {
    load_two<P>(k, v, a.k, a.v, batch, kv_head, key0, shape.tk, size);
    typename P::Scores s, dp;
    P::dots(s, q, k, size);
    P::dots(dp, d_o, v, size);
#pragma unroll
    for (int i = 0; i < P::kPer; ++i) {
      const PlainQuery query = plain_query(a, batch, head, query0 + P::ty() + 16 * i);
#pragma unroll
      for (int j = 0; j < P::kPer; ++j)
        P::weight(w, i, j) =
            pair_gradient(shape, head, query, key0 + P::tx() + 16 * j, s[i][j], dp[i][j]).ds;
    }
    __syncthreads();
    P::mix(d_q, w, k);
  }
  P::store(a.d_q.head(batch, head, size), a.d_q.t, query0, shape.tq, size, d_q);
}

/// d_k, d_v (B, T, K, D) written. Grid (⌈T / tile⌉, K, B), kPlainThreads threads.
template <class T, int kCapacity>
__global__ void __launch_bounds__(kPlainThreads, 2)
    attention_backward_keys_plain_kernel(const AttentionBackwardArgs<T> a) {
  using P = Plain<kCapacity>;
  KDYN_SHARED(smem);
  float* const k = reinterpret_cast<float*>(smem);
  float* const v = k + P::kTileFloats;
  float* const q = v + P::kTileFloats;
  float* const d_o = q + P::kTileFloats;
  float* const w_p = d_o + P::kTileFloats;
  float* const w_ds = w_p + P::kWeightFloats;
  const AttentionShape& shape = a.shape;
  const int kv_head = blockIdx.y, batch = blockIdx.z, key0 = blockIdx.x * P::kTile;
  const int size = shape.size, key_end = min(key0 + P::kTile, shape.tk);
  const QueryTiles<P::kTile, Scores::General> tiles(shape, batch, key0, key_end);
  load_two<P>(k, v, a.k, a.v, batch, kv_head, key0, shape.tk, size);

  typename P::Rows d_k = {}, d_v = {};
  for (int i = tiles.next(0); i < tiles.total; i = tiles.next(i + 1)) {
    const int head = kv_head * shape.group + tiles.head_in_group(i), query0 = tiles.query0(i);
    load_two<P>(q, d_o, a.q, a.d_o, batch, head, query0, shape.tq, size);
    typename P::Scores s, dp;  // keys by queries
    P::dots(s, k, q, size);
    P::dots(dp, v, d_o, size);
#pragma unroll
    for (int j = 0; j < P::kPer; ++j) {
      const PlainQuery query = plain_query(a, batch, head, query0 + P::tx() + 16 * j);
#pragma unroll
      for (int r = 0; r < P::kPer; ++r) {
        const PairGradient pair =
            pair_gradient(shape, head, query, key0 + P::ty() + 16 * r, s[r][j], dp[r][j]);
        P::weight(w_p, r, j) = pair.p, P::weight(w_ds, r, j) = pair.ds;
      }
    }
    __syncthreads();
    P::mix(d_v, w_p, d_o);
    P::mix(d_k, w_ds, q);
  }
  P::store(a.d_k.head(batch, kv_head, size), a.d_k.t, key0, shape.tk, size, d_k);
  P::store(a.d_v.head(batch, kv_head, size), a.d_v.t, key0, shape.tk, size, d_v);
}

}  // namespace causeway::cuda
