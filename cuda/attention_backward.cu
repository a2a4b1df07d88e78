// Launches attention's backward: level and delta, then d_q, then d_k and d_v. Read next:
// attention_backward_mma.cuh.
#include "cuda/attention.h"
#include "cuda/attention_backward_mma.cuh"
#include "cuda/attention_backward_plain.cuh"
#include "cuda/attention_delta.cuh"
#include "cuda/attention_dispatch.h"

namespace causeway::cuda {
namespace {

template <class T, int kPack>
void launch_delta(const AttentionBackward& op, const AttentionBackwardArgs<T>& args,
                  cudaStream_t stream) {
  const int64_t rows = stat_count(op);
  launch(attention_delta_kernel<T, kPack>,
         dim3(static_cast<unsigned>((rows + kDeltaRows - 1) / kDeltaRows)), kDeltaThreads, 0,
         stream, args, rows);
}

void backward_hopper(const AttentionBackward& op, void* scratch, cudaStream_t stream) {
  launch_delta<__nv_bfloat16, 8>(op, backward_args<__nv_bfloat16>(op, scratch), stream);
  attention_backward_hopper(op, scratch, stream);
}

void backward_mma(const AttentionBackward& op, void* scratch, cudaStream_t stream) {
  const auto args = backward_args<__nv_bfloat16>(op, scratch);
  launch_delta<__nv_bfloat16, 8>(op, args, stream);
  with_mma_size(op.q.shape[3], [&](auto size) {
    with_scores(args.shape, [&](auto scores) {
      // What fits the registers: docs/attention.md.
      constexpr int kQueryM = size <= 96 ? 2 : 1, kKeyStep = size <= 96 ? 32 : 64;
      constexpr int kKeyM = size <= (scores == Scores::Causal ? 64 : 32) ? 2 : 1;
      constexpr int kQueryStep = size == 64 && kKeyM == 1 ? 64 : 32;
      using Queries = BackwardTiles<size, kQueryM, kKeyStep>;
      launch(attention_backward_queries_mma_kernel<size, kQueryM, kKeyStep, scores>,
             tile_grid(op.q, Queries::kRows), kMmaThreads, Queries::kQuerySharedBytes, stream,
             args);
      using Keys = BackwardTiles<size, kKeyM, kQueryStep>;
      launch(attention_backward_keys_mma_kernel<size, kKeyM, kQueryStep, scores>,
             tile_grid(op.k, Keys::kRows), kMmaThreads, Keys::kKeySharedBytes, stream, args);
    });
  });
}

template <class T>
void backward_plain(const AttentionBackward& op, void* scratch, cudaStream_t stream) {
  const auto args = backward_args<T>(op, scratch);
  launch_delta<T, 1>(op, args, stream);
  with_plain_capacity(op.q.shape[3], [&](auto capacity) {
    constexpr int kTile = Plain<capacity>::kTile;
    launch(attention_backward_queries_plain_kernel<T, capacity>, tile_grid(op.q, kTile),
           kPlainThreads, kPlainBackwardBytes<capacity>, stream, args);
    launch(attention_backward_keys_plain_kernel<T, capacity>, tile_grid(op.k, kTile), kPlainThreads,
           kPlainBackwardBytes<capacity>, stream, args);
  });
}

}  // namespace

size_t attention_scratch_bytes(const AttentionBackward& op) {
  return 2 * sizeof(float) * static_cast<size_t>(stat_count(op));
}

void attention_backward(const AttentionBackward& op, void* scratch, int capability,
                        cudaStream_t stream) {
  if (op.q.numel() == 0) return;
  switch (attention_path(op.options, capability,
                         {op.q, op.k, op.v, op.o, op.d_o, op.d_q, op.d_k, op.d_v})) {
    case AttentionPath::Hopper:
      return backward_hopper(op, scratch, stream);
    case AttentionPath::Mma:
      return backward_mma(op, scratch, stream);
    case AttentionPath::Plain:
      return op.q.dtype == DType::F32 ? backward_plain<float>(op, scratch, stream)
                                      : backward_plain<__nv_bfloat16>(op, scratch, stream);
  }
}

}  // namespace causeway::cuda
