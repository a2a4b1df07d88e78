// Launches attention's forward. Read next: attention_forward_mma.cuh, attention_backward.cu.
#include "cuda/attention.h"
#include "cuda/attention_dispatch.h"
#include "cuda/attention_forward_mma.cuh"
#include "cuda/attention_forward_plain.cuh"

namespace causeway::cuda {
namespace {

void forward_mma(const AttentionForward& op, cudaStream_t stream) {
  const auto args = forward_args<__nv_bfloat16>(op);
  with_mma_size(op.q.shape[3], [&](auto size) {
    with_scores(args.shape, [&](auto scores) {
      constexpr int kM = size <= 64 ? 2 : 1;  // what fits the registers: docs/attention.md
      using Tiles = ForwardTiles<size, kM>;
      launch(attention_forward_mma_kernel<size, kM, scores>, tile_grid(op.q, Tiles::kQueries),
             kMmaThreads, Tiles::kSharedBytes, stream, args);
    });
  });
}

template <class T>
void forward_plain(const AttentionForward& op, cudaStream_t stream) {
  with_plain_capacity(op.q.shape[3], [&](auto capacity) {
    launch(attention_forward_plain_kernel<T, capacity>, tile_grid(op.q, Plain<capacity>::kTile),
           kPlainThreads, kPlainForwardBytes<capacity>, stream, forward_args<T>(op));
  });
}

}  // namespace

void attention_forward(const AttentionForward& op, int capability, cudaStream_t stream) {
  if (op.q.numel() == 0) return;
  switch (attention_path(op.options, capability, {op.q, op.k, op.v, op.o})) {
    case AttentionPath::Hopper:
      return attention_forward_hopper(op, stream);
    case AttentionPath::Mma:
      return forward_mma(op, stream);
    case AttentionPath::Plain:
      return op.q.dtype == DType::F32 ? forward_plain<float>(op, stream)
                                      : forward_plain<__nv_bfloat16>(op, stream);
  }
}

}  // namespace causeway::cuda
