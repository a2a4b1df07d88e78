// Launches copies between strided tensors. Read next: copy.cuh.
#include "cuda/copy.cuh"

#include "cuda/dispatch.h"
#include "cuda/launches.h"

namespace causeway::cuda {
namespace {

struct alignas(16) Bytes16 {
  uint32_t words[4];
};

/// Whether rows and strides of both tensors are whole numbers of `unit` bytes, from such an
/// address.
bool in_units(const Tensor& dst, const Tensor& src, int64_t unit) {
  const int64_t size = static_cast<int64_t>(dtype_size(dst.dtype));
  for (const Tensor* t : {&dst, &src}) {
    if (reinterpret_cast<uintptr_t>(t->data) % unit != 0) return false;
    if (t->shape[t->rank - 1] * size % unit != 0) return false;
    for (int d = 0; d + 1 < t->rank; ++d)
      if (t->stride[d] * size % unit != 0) return false;
  }
  return true;
}

CopyArgs args_in_units(const Tensor& dst, const Tensor& src, int64_t unit) {
  const int64_t size = static_cast<int64_t>(dtype_size(dst.dtype));
  CopyArgs args{.dst = dst.data,
                .src = src.data,
                .units = dst.numel() * size / unit,
                .shape = {1, 1, 1, 1},
                .dst_stride = {},
                .src_stride = {}};
  const int lead = kCopyRank - dst.rank;
  for (int d = 0; d < dst.rank; ++d) {
    args.shape[lead + d] = dst.shape[d];
    args.dst_stride[lead + d] = dst.stride[d] * size / unit;
    args.src_stride[lead + d] = src.stride[d] * size / unit;
  }
  args.shape[kCopyRank - 1] = dst.shape[dst.rank - 1] * size / unit;
  args.dst_stride[kCopyRank - 1] = args.src_stride[kCopyRank - 1] = 1;
  return args;
}

}  // namespace

void copy_strided(const Tensor& dst, const Tensor& src, cudaStream_t stream) {
  if (dst.numel() == 0) return;
  const auto run = [&](auto kernel, int64_t unit) {
    const CopyArgs args = args_in_units(dst, src, unit);
    launch(kernel, grid(blocks(args.units, kCopyThreads)), kCopyThreads, 0, stream, args);
  };
  if (in_units(dst, src, 16)) return run(copy_kernel<Bytes16>, 16);
  if (in_units(dst, src, 4)) return run(copy_kernel<uint32_t>, 4);
  run(copy_kernel<uint16_t>, 2);
}

}  // namespace causeway::cuda
