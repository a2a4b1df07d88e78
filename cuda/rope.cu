// Launches the rotary embedding. Read next: rope.cuh.
#include "cuda/rope.cuh"

#include "cuda/dispatch.h"
#include "cuda/launches.h"

namespace causeway::cuda {

void rope(const Tensor& x, const Tensor& table, const Tensor& position, RopeDirection direction,
          cudaStream_t stream) {
  if (x.numel() == 0) return;
  const int64_t half = x.shape[3] / 2;
  with_act(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const bool packs =
        rows_in_packs({x}, kFullPack<T>) && half % kFullPack<T> == 0 && aligned(table.data);
    with_width<T>(packs, [&](auto width) {
      const RopeArgs<T> args{.x = data<T>(x),
                             .batch_stride = x.stride[0],
                             .time_stride = x.stride[1],
                             .packs = x.numel() / (2 * width),
                             .times = static_cast<int>(x.shape[1]),
                             .heads = static_cast<int>(x.shape[2]),
                             .half = static_cast<int>(half),
                             .table = data<float>(table),
                             .position = data<int>(position),
                             .positions = static_cast<int>(table.shape[0]),
                             .sine_sign = direction == RopeDirection::Forward ? 1.0f : -1.0f};
      launch(rope_kernel<T, width>, grid(blocks(args.packs, kRopeThreads)), kRopeThreads, 0, stream,
             args);
    });
  });
}

}  // namespace causeway::cuda
