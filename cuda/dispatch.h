// From the tensors of an operation to the kernel that serves them: dtype, pack width, grid. Used by
// the launch code (*.cu). Read next: elementwise.cu.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <type_traits>

#include "core/tensor.h"
#include "cuda/pack.cuh"

namespace causeway::cuda {

template <class T>
struct Type {
  using type = T;
};
template <int kValue>
using Number = std::integral_constant<int, kValue>;

/// run(Type<T>) with the kernels' element type.
template <class Run>
void with_type(DType dtype, const Run& run) {
  if (dtype == DType::BF16) return run(Type<__nv_bfloat16>{});
  if (dtype == DType::F64) return run(Type<double>{});
  run(Type<float>{});
}
/// f32 or bf16.
template <class Run>
void with_act(DType dtype, const Run& run) {
  if (dtype == DType::BF16) return run(Type<__nv_bfloat16>{});
  run(Type<float>{});
}

inline bool aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % 16 == 0; }

/// Whether every row of every tensor (absent ones aside) can be walked in packs of `width`
/// elements: it starts at 16 bytes and is a whole number of packs long.
inline bool rows_in_packs(std::initializer_list<Tensor> tensors, int64_t width) {
  return std::all_of(tensors.begin(), tensors.end(), [&](const Tensor& t) {
    if (!t) return true;
    bool strides = t.shape[t.rank - 1] % width == 0;
    for (int d = 0; d + 1 < t.rank; ++d)
      strides = strides && (t.shape[d] == 1 || t.stride[d] % width == 0);
    return strides && aligned(t.data);
  });
}

/// run(Number<kWidth>) with a full pack of T where it fits, else one element.
template <class T, class Run>
void with_width(bool packs_fit, const Run& run) {
  if (packs_fit) return run(Number<kFullPack<T>>{});
  run(Number<1>{});
}

inline int64_t blocks(int64_t n, int64_t per_block) { return (n + per_block - 1) / per_block; }
inline dim3 grid(int64_t x, int64_t y = 1) {
  return dim3(static_cast<unsigned>(x), static_cast<unsigned>(y));
}

template <class T>
T* data(const Tensor& t) {
  return static_cast<T*>(t.data);
}

}  // namespace causeway::cuda
