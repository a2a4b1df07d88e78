// Attention forward without tensor cores. See attention_plain.cuh; the running softmax is that of
// attention_forward_mma.cuh.
#pragma once
#include "cuda/attention_plain.cuh"

namespace causeway::cuda {

template <int kCapacity>
constexpr int kPlainForwardBytes = 4 * (2 * Plain<kCapacity>::kTileFloats +
                                        Plain<kCapacity>::kWeightFloats);

/// Reduces over the 16 threads that share rows.
template <class Op>
__device__ __forceinline__ float over_row(float x, Op op) {
#pragma unroll
  for (int o = 8; o > 0; o >>= 1) x = op(x, __shfl_xor_sync(kFullMask, x, o));
  return x;
}

/// o (B, Tq, H, D), lse (B, H, Tq) written. Grid (⌈Tq / tile⌉, H, B), kPlainThreads threads.
template <class T, int kCapacity>
__global__ void __launch_bounds__(kPlainThreads, 2)
    attention_forward_plain_kernel(const AttentionForwardArgs<T> a) {
  using P = Plain<kCapacity>;
  KDYN_SHARED(smem);
  float* const q = reinterpret_cast<float*>(smem);
  float* const kv = q + P::kTileFloats;  // a tile of keys, then of their values
  float* const w = kv + P::kTileFloats;
  const AttentionShape& shape = a.shape;
  const int head = blockIdx.y, batch = blockIdx.z, kv_head = head / shape.group;
  const int query0 = (gridDim.x - 1 - blockIdx.x) * P::kTile, size = shape.size;
  const T* k = a.k.head(batch, kv_head, size);
  const T* v = a.v.head(batch, kv_head, size);
  const int key_begin = first_key_of_all<kPlainWarps>(shape, batch, query0, P::kTile);
  const int key_end = min(shape.own_key(query0 + P::kTile - 1) + 1, shape.tk);
  P::load(q, a.q.head(batch, head, size), a.q.t, query0, shape.tq, size);

  int first[P::kPer];
  float highest[P::kPer], total[P::kPer];
#pragma unroll
  for (int i = 0; i < P::kPer; ++i) {
    const int query = query0 + P::ty() + 16 * i;
    first[i] = query < shape.tq ? shape.first_key_of(batch, query) : 0;
    highest[i] = -INFINITY, total[i] = 0.0f;
  }
  typename P::Rows o = {};
  for (int key0 = key_begin; key0 < key_end; key0 += P::kTile) {
    __syncthreads();  // the last tile of values has been read
    P::load(kv, k, a.k.t, key0, shape.tk, size);
    __syncthreads();
    typename P::Scores s;
    P::dots(s, q, kv, size);
#pragma unroll
    for (int i = 0; i < P::kPer; ++i) {
      const int own = shape.own_key(query0 + P::ty() + 16 * i);
      float top = highest[i];
#pragma unroll
      for (int j = 0; j < P::kPer; ++j) {
        const int key = key0 + P::tx() + 16 * j;
        const bool visible = key <= own && key >= first[i];
        s[i][j] = visible ? exact_score(shape, head, s[i][j], own - key).value : -INFINITY;
        top = fmaxf(top, s[i][j]);
      }
      top = over_row(top, [](float x, float y) { return fmaxf(x, y); });
      const float level = top == -INFINITY ? 0.0f : top;  // no key seen so far: p = 0
      const float keep = expf(highest[i] - level);
      highest[i] = top, total[i] *= keep;
#pragma unroll
      for (int j = 0; j < P::kPer; ++j) {
        const float p = expf(s[i][j] - level);
        P::weight(w, i, j) = p, total[i] += p;
      }
#pragma unroll
      for (float4& x : o[i]) x.x *= keep, x.y *= keep, x.z *= keep, x.w *= keep;
    }
    __syncthreads();  // keys have been read, weights are written
    P::load(kv, v, a.v.t, key0, shape.tk, size);
    __syncthreads();
    P::mix(o, w, kv);
  }
#pragma unroll
  for (int i = 0; i < P::kPer; ++i) {
    const float sum = over_row(total[i], [](float x, float y) { return x + y; });
    const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
#pragma unroll
    for (float4& x : o[i]) x.x *= inverse, x.y *= inverse, x.z *= inverse, x.w *= inverse;
    const int query = query0 + P::ty() + 16 * i;
    if (P::tx() == 0 && query < shape.tq)
      a.lse[(int64_t{batch} * shape.heads + head) * shape.tq + query] = highest[i] + logf(sum);
  }
  P::store(a.o.head(batch, head, size), a.o.t, query0, shape.tq, size, o);
}

}  // namespace causeway::cuda
