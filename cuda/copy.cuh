// Copies between strided tensors, in units of 16, 4 or 2 bytes, whichever fits both. Read next:
// copy.cu.
#pragma once
#include "cuda/kernel_env.cuh"

namespace causeway::cuda {

constexpr int kCopyThreads = 256, kCopyRank = 4;

/// shape and strides in units; the last dimension is dense.
struct CopyArgs {
  void* dst;
  const void* src;
  int64_t units;
  int64_t shape[kCopyRank], dst_stride[kCopyRank], src_stride[kCopyRank];
};

template <class Unit>
__global__ void __launch_bounds__(kCopyThreads) copy_kernel(const CopyArgs a) {
  const int64_t i = int64_t{blockIdx.x} * kCopyThreads + threadIdx.x;
  if (i >= a.units) return;
  int64_t rest = i, to = 0, from = 0;
#pragma unroll
  for (int d = kCopyRank - 1; d >= 0; --d) {
    const int64_t at = rest % a.shape[d];
    rest /= a.shape[d];
    to += at * a.dst_stride[d];
    from += at * a.src_stride[d];
  }
  static_cast<Unit*>(a.dst)[to] = static_cast<const Unit*>(a.src)[from];
}

}  // namespace causeway::cuda
