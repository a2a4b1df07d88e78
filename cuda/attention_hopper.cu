// Launches attention on Hopper. Compiled for sm_90a alone; attention_dispatch.h chooses it, or
// attention_hopper_absent.cpp stands for it. Read next: attention_forward_hopper.cuh.
#include "cuda/attention.h"
#include "cuda/attention_backward_hopper.cuh"
#include "cuda/attention_dispatch.h"
#include "cuda/attention_forward_hopper.cuh"
#include "cuda/runtime.h"
#include "cuda/tensor_map.cuh"

namespace causeway::cuda {
namespace {

/// A (B, T, heads, D) tensor as (B·T, heads·D), in boxes of 64 × 64.
TensorMap map_of(const Tensor& t) {
  TensorMap map;
  require(tensor_map_2d(&map, t.data, t.shape[0] * t.shape[1], t.shape[2] * t.shape[3], t.stride[1],
                        64, 64),
          "attention");
  return map;
}

/// Calls run(Constant<D>).
template <class Run>
void with_hopper_size(int64_t size, const Run& run) {
  if (size == 64) return run(Constant<64>{});
  run(Constant<128>{});
}

}  // namespace

bool has_hopper_attention() { return true; }

void attention_forward_hopper(const AttentionForward& op, cudaStream_t stream) {
  with_hopper_size(op.q.shape[3], [&](auto size) {
    using R = ForwardRing<size>;
    launch(attention_forward_hopper_kernel<size>, tile_grid(op.q, R::kOwn), R::kThreads,
           R::kSharedBytes, stream, forward_args<__nv_bfloat16>(op), map_of(op.k), map_of(op.v));
  });
}

void attention_backward_hopper(const AttentionBackward& op, void* scratch, cudaStream_t stream) {
  const auto args = backward_args<__nv_bfloat16>(op, scratch);
  const TensorMap q = map_of(op.q), k = map_of(op.k), v = map_of(op.v), d_o = map_of(op.d_o);
  with_hopper_size(op.q.shape[3], [&](auto size) {
    using Queries = QueryRing<size>;
    launch(attention_backward_queries_hopper_kernel<size>, tile_grid(op.q, Queries::kOwn),
           Queries::kThreads, Queries::kSharedBytes, stream, args, k, v);
    using Keys = KeyRing<size>;
    launch(attention_backward_keys_hopper_kernel<size>, tile_grid(op.k, Keys::kOwn), Keys::kThreads,
           Keys::kSharedBytes, stream, args, q, d_o, k, v);
  });
}

}  // namespace causeway::cuda
