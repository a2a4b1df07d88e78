// Causal attention forward on Hopper: a block owns 64·G queries of one head. Each warpgroup asks
// for the scores of the next keys and the values of the last ones together, and exponentiates the
// scores while the tensor cores work on the values. Read next: attention_backward_hopper.cuh.
#pragma once
#include "cuda/attention_forward_mma.cuh"
#include "cuda/attention_hopper.cuh"

namespace causeway::cuda {

/// Three groups where registers allow.
template <int kSize>
using ForwardRing = Ring<kSize, kSize == 64 ? 3 : 2>;

/// o (B, Tq, H, D), lse (B, H, Tq) written. k and v are mapped as (B·Tk, K·D) in boxes of 64 × 64.
/// Grid (⌈Tq / kOwn⌉, H, B), kThreads threads of the ring.
template <int kSize>
__global__ void __launch_bounds__(ForwardRing<kSize>::kThreads, 1)
    attention_forward_hopper_kernel(const AttentionForwardArgs<__nv_bfloat16> a,
                                    const KGRID_CONSTANT TensorMap k,
                                    const KGRID_CONSTANT TensorMap v) {
  using R = ForwardRing<kSize>;
  KDYN_SHARED(smem);
  const AttentionShape& shape = a.shape;
  const R ring{smem_u32(smem)};
  const int warp = threadIdx.x >> 5, g = (threadIdx.x & 31) >> 2;
  const int head = blockIdx.y, batch = blockIdx.z;
  const int query0 = (gridDim.x - 1 - blockIdx.x) * R::kOwn;  // longest rows first
  if (!begin_queries(ring, shape, query0, k, v)) return;

  const int row = 16 * warp, own0 = shape.own_key(query0 + row);
  const int count = key_tiles(shape, query0 + warp / 4 * 64 + 63);
  const float factor = shape.scale * kLog2E;
  uint32_t q[kSize / 16][4], weights[4][4];
  load_left_rows<kSize>(q, a.q.head(batch, head, kSize), a.q.t, query0 + row + g, shape.tq);
  float o[1][kSize / 8][4] = {}, s[1][8][4];
  Softmax<1> softmax;
  // Turns the scores of tile j into probabilities; says whether o must follow the new levels.
  const auto soften = [&](int j) {
    if ((j + 1) * R::kStep > own0 + 1) hide_later_keys(s, j * R::kStep, own0 + g);
    const bool lifted = softmax.lift(s, factor);
    softmax.exponentiate(s, factor);
    return lifted;
  };
  ring.wait_first(0);
  start_rows<kSize>(s, q, ring.first(0));
  wgmma_wait<0>();
  soften(0);
  pack_left(weights, s);
  for (int j = 0; j + 1 < count; ++j) {
    ring.wait_first(j + 1);
    start_rows<kSize>(s, q, ring.first(j + 1));
    ring.wait_second(j);
    start_columns<kSize>(o, weights, ring.second(j));
    wgmma_wait<1>();  // the scores
    const bool lifted = soften(j + 1);
    wgmma_wait<0>();  // the values
    ring.release(j);
    if (lifted) softmax.rescale(o);
    pack_left(weights, s);
  }
  ring.wait_second(count - 1);
  start_columns<kSize>(o, weights, ring.second(count - 1));
  wgmma_wait<0>();

  softmax.finish(o);
  store_rows<kSize>(a.o.head(batch, head, kSize), a.o.t, query0, shape.tq, o, smem + R::kResults,
                    row);
  store_lse(a, batch, head, query0 + row + g, softmax);
}

}  // namespace causeway::cuda
