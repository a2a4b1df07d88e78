// Launches the sums of the step and its guard. Read next: reduce.cuh.
#include "cuda/reduce.cuh"

#include "cuda/dispatch.h"
#include "cuda/launches.h"

namespace causeway::cuda {

void sum(const Tensor& out, const Tensor& x, cudaStream_t stream) {
  launch(sum_kernel, grid(1), kSumThreads, 0, stream, data<double>(out), data<float>(x), x.numel());
}

void sum_of_squares(const Tensor& partials, const Tensor& x, cudaStream_t stream) {
  if (x.numel() == 0) return;
  with_width<float>(aligned(x.data), [&](auto width) {
    launch(sum_of_squares_kernel<width>, grid(partials.numel()), kSumThreads, 0, stream,
           data<double>(partials), data<float>(x), x.numel(), kNormChunk);
  });
}

void clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                    double max_norm, cudaStream_t stream) {
  double* const out = data<double>(scalars);
  launch(clip_and_guard_kernel, grid(1), kSumThreads, 0, stream,
         GuardArgs{.loss = out + kLoss,
                   .norm = out + kGradNorm,
                   .clip_scale = out + kClipScale,
                   .finite = out + kFinite,
                   .partials = data<double>(partials),
                   .losses = data<double>(losses),
                   .n_partials = partials.numel(),
                   .n_losses = losses.numel(),
                   .max_norm = max_norm});
}

}  // namespace causeway::cuda
