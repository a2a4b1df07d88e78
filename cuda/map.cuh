// Element-wise operations: a functor says what happens to elements [i, i + kWidth), and map_kernel
// walks over them, a pack per thread. Read next: elementwise.cuh, activation.cuh.
#pragma once
#include "cuda/pack.cuh"

namespace causeway::cuda {

constexpr int kMapThreads = 256;

/// op.template at<kWidth>(i) for every pack of [0, n), and one by one for the rest.
/// Grid ⌈n / (kMapThreads · kWidth)⌉.
template <int kWidth, class Op>
__global__ void __launch_bounds__(kMapThreads) map_kernel(const Op op, int64_t n) {
  const int64_t i = (int64_t{blockIdx.x} * kMapThreads + threadIdx.x) * kWidth;
  if (i + kWidth <= n) return op.template at<kWidth>(i);
  for (int64_t rest = i; rest < n; ++rest) op.template at<1>(rest);
}

}  // namespace causeway::cuda
