// Starts map_kernel (map.cuh) over flat memory. Read next: elementwise.cu.
#pragma once
#include "cuda/dispatch.h"
#include "cuda/map.cuh"

namespace causeway::cuda {

/// op.at() over [0, n); packs of kWidth where all of the dense `tensors` are aligned.
template <int kWidth, class Op>
void launch_map(const Op& op, int64_t n, std::initializer_list<Tensor> tensors,
                cudaStream_t stream) {
  if (n == 0) return;
  const bool packs =
      std::all_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return aligned(t.data); });
  if (packs)
    launch(map_kernel<kWidth, Op>, grid(blocks(n, kMapThreads * kWidth)), kMapThreads, 0, stream,
           op, n);
  else
    launch(map_kernel<1, Op>, grid(blocks(n, kMapThreads)), kMapThreads, 0, stream, op, n);
}

}  // namespace causeway::cuda
