// Launches the activations. Read next: activation.cuh.
#include "cuda/activation.cuh"

#include "cuda/launch_map.h"
#include "cuda/launches.h"

namespace causeway::cuda {
namespace {

template <class Kind, class T>
void forward(const Tensor& y, const Tensor& x, cudaStream_t stream) {
  launch_map<kFullPack<T>>(ActivationMap<Kind, T>{data<T>(y), data<T>(x)}, x.numel(), {y, x},
                           stream);
}

template <class Kind, class T>
void backward(const Tensor& d_x, const Tensor& d_y, const Tensor& x, cudaStream_t stream) {
  launch_map<kFullPack<T>>(ActivationMapBackward<Kind, T>{data<T>(d_x), data<T>(d_y), data<T>(x)},
                           x.numel(), {d_x, d_y, x}, stream);
}

/// SwiGLU: a pack must not cross the end of a row of F.
template <class T, class Op>
void launch_rows(const Op& op, const Tensor& narrow, std::initializer_list<Tensor> tensors,
                 cudaStream_t stream) {
  if (narrow.shape[1] % kFullPack<T> == 0)
    launch_map<kFullPack<T>>(op, narrow.numel(), tensors, stream);
  else
    launch_map<1>(op, narrow.numel(), tensors, stream);
}

}  // namespace

void activation_forward(Activation kind, const Tensor& y, const Tensor& x, cudaStream_t stream) {
  with_act(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    switch (kind) {
      case Activation::Gelu:
        return forward<Gelu, T>(y, x, stream);
      case Activation::Relu2:
        return forward<Relu2, T>(y, x, stream);
      case Activation::SwiGlu:
        return launch_rows<T>(SwiGluMap<T>{data<T>(y), data<T>(x), y.shape[1]}, y, {y, x}, stream);
    }
  });
}

void activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y, const Tensor& x,
                         cudaStream_t stream) {
  with_act(x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    switch (kind) {
      case Activation::Gelu:
        return backward<Gelu, T>(d_x, d_y, x, stream);
      case Activation::Relu2:
        return backward<Relu2, T>(d_x, d_y, x, stream);
      case Activation::SwiGlu:
        return launch_rows<T>(
            SwiGluMapBackward<T>{data<T>(d_x), data<T>(d_y), data<T>(x), d_y.shape[1]}, d_y,
            {d_x, d_y, x}, stream);
    }
  });
}

}  // namespace causeway::cuda
