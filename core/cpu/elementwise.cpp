// Activations, dropout, scaling and conversion: flat memory in equal pieces.
// Arithmetic: kernels/activations.cpp, kernels/optimizer.cpp.
#include <cmath>

#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway::cpu {
namespace {

/// The element `offset` of a flat tensor.
void* at(const Tensor& t, int64_t offset) {
  return static_cast<char*>(t.data) + offset * static_cast<int64_t>(dtype_size(t.dtype));
}

}  // namespace

void CpuBackend::activation_forward(Activation kind, const Tensor& y, const Tensor& x) {
  check_activation_forward(kind, y, x);
  const int act = act_index(x.dtype, "activation_forward");
  if (kind == Activation::SwiGlu) {
    const int64_t width = y.shape[1];
    in_pieces(y.shape[0], rows_per_piece(width), [&](int64_t begin, int64_t end) {
      kernels_.swiglu[act](at(y, begin * width), at(x, 2 * begin * width), end - begin, width);
    });
    return;
  }
  const auto kernel = kind == Activation::Gelu ? kernels_.gelu[act] : kernels_.relu2[act];
  in_pieces(x.numel(), kPiece,
            [&](int64_t begin, int64_t end) { kernel(at(y, begin), at(x, begin), end - begin); });
}

void CpuBackend::activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                                     const Tensor& x) {
  check_activation_backward(kind, d_x, d_y, x);
  const int act = act_index(x.dtype, "activation_backward");
  if (kind == Activation::SwiGlu) {
    const int64_t width = d_y.shape[1];
    in_pieces(d_y.shape[0], rows_per_piece(width), [&](int64_t begin, int64_t end) {
      kernels_.swiglu_backward[act](at(d_x, 2 * begin * width), at(d_y, begin * width),
                                    at(x, 2 * begin * width), end - begin, width);
    });
    return;
  }
  const auto kernel =
      kind == Activation::Gelu ? kernels_.gelu_backward[act] : kernels_.relu2_backward[act];
  in_pieces(x.numel(), kPiece, [&](int64_t begin, int64_t end) {
    kernel(at(d_x, begin), at(d_y, begin), at(x, begin), end - begin);
  });
}

void CpuBackend::dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream) {
  check_dropout(y, x, p);
  const int act = act_index(x.dtype, "dropout");
  // bits ≥ p·2³² for an integer `bits` means bits ≥ ⌈p·2³²⌉.
  const double threshold = std::min(std::ceil(p * 0x1p32), 0x1p32 - 1);
  const DropoutArgs args{.random = philox_args(stream),
                         .threshold = static_cast<uint32_t>(threshold),
                         .keep_scale = static_cast<float>(1 / (1 - p))};
  in_pieces(x.numel(), kPiece, [&](int64_t begin, int64_t end) {
    kernels_.dropout[act](y.data, x.data, args, begin, end - begin);
  });
}

void CpuBackend::axpby(const Tensor& y, double alpha, const Tensor& x, double beta) {
  check_axpby(y, x);
  const int act = act_index(x.dtype, "axpby");
  in_pieces(x.numel(), kPiece, [&](int64_t begin, int64_t end) {
    kernels_.axpby[act](at(y, begin), static_cast<float>(alpha), at(x, begin),
                        static_cast<float>(beta), end - begin);
  });
}

namespace {

double element(const Tensor& x, int64_t i) {
  switch (x.dtype) {
    case DType::F32:
      return static_cast<const float*>(x.data)[i];
    case DType::BF16:
      return static_cast<float>(static_cast<const bf16*>(x.data)[i]);
    default:
      return static_cast<const double*>(x.data)[i];
  }
}

/// Conversions to and from f64 are for tests and tools: one element at a time will do.
void cast_element(const Tensor& y, const Tensor& x, int64_t i) {
  const double value = element(x, i);
  if (y.dtype == DType::F64)
    static_cast<double*>(y.data)[i] = value;
  else if (y.dtype == DType::F32)
    static_cast<float*>(y.data)[i] = static_cast<float>(value);
  else
    static_cast<bf16*>(y.data)[i] = bf16(static_cast<float>(value));
}

}  // namespace

void CpuBackend::cast(const Tensor& y, const Tensor& x) {
  check_cast(y, x);
  for (const Tensor* t : {&y, &x})
    if (t->dtype != DType::F64) act_index(t->dtype, "cast");
  const auto piece = [&](int64_t begin, int64_t end) {
    const int64_t n = end - begin;
    if (y.dtype == DType::F32 && x.dtype == DType::BF16)
      kernels_.widen(static_cast<float*>(at(y, begin)), static_cast<uint16_t*>(at(x, begin)), n);
    else if (y.dtype == DType::BF16 && x.dtype == DType::F32)
      kernels_.narrow(static_cast<uint16_t*>(at(y, begin)), static_cast<float*>(at(x, begin)), n);
    else
      for (int64_t i = begin; i < end; ++i) cast_element(y, x, i);
  };
  if (y.dtype == x.dtype)
    copy(y, x);
  else
    in_pieces(x.numel(), kPiece, piece);
}

}  // namespace causeway::cpu
