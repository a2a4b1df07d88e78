// Launches y = αx + βy, conversion and dropout. Read next: elementwise.cuh.
#include "cuda/elementwise.cuh"

#include <cmath>

#include "cuda/launch_map.h"
#include "cuda/launches.h"

namespace causeway::cuda {

void axpby(const Tensor& y, double alpha, const Tensor& x, double beta, cudaStream_t stream) {
  const float a = static_cast<float>(alpha), b = static_cast<float>(beta);
  with_act(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (beta == 0)
      launch_map<kFullPack<T>>(Axpby<T, Keep::Nothing>{data<T>(y), data<T>(x), a, b}, x.numel(),
                               {y, x}, stream);
    else
      launch_map<kFullPack<T>>(Axpby<T, Keep::Y>{data<T>(y), data<T>(x), a, b}, x.numel(), {y, x},
                               stream);
  });
}

void cast(const Tensor& y, const Tensor& x, cudaStream_t stream) {
  with_type(y.dtype, [&](auto to) {
    with_type(x.dtype, [&](auto from) {
      using Y = typename decltype(to)::type;
      using X = typename decltype(from)::type;
      if constexpr (!std::is_same_v<X, Y>)
        launch_map<std::min(kFullPack<X>, kFullPack<Y>)>(Cast<Y, X>{data<Y>(y), data<X>(x)},
                                                         x.numel(), {y, x}, stream);
    });
  });
}

void dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream_of_numbers,
             cudaStream_t stream) {
  // bits ≥ p·2³² for an integer `bits` means bits ≥ ⌈p·2³²⌉.
  const double threshold = std::min(std::ceil(p * 0x1p32), 0x1p32 - 1);
  with_act(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const Dropout<T> op{.y = data<T>(y),
                        .x = data<T>(x),
                        .stream = stream_of_numbers,
                        .threshold = static_cast<uint32_t>(threshold),
                        .keep_scale = static_cast<float>(1 / (1 - p))};
    launch_map<kFullPack<T>>(op, x.numel(), {y, x}, stream);
  });
}

}  // namespace causeway::cuda
