// What happens to a tile of a matrix product while it is in cache: bias, GELU, its backward, and
// the sums of rows and columns that are bias gradients. Read next: ../products.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

template <class T>
void plain(const EpilogueArgs& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* product = a.product + r * a.product_stride;
    const T* bias = static_cast<const T*>(a.bias);
    T* y = static_cast<T*>(a.y) + r * a.y_stride;
    if (bias)
      sweep(a.cols, [&](int64_t i, auto part) {
        store(y + i, load(product + i, part) + load(bias + i, part), part);
      });
    else
      sweep(a.cols, [&](int64_t i, auto part) { store(y + i, load(product + i, part), part); });
  }
}

template <class T>
void accumulate(const EpilogueArgs& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* product = a.product + r * a.product_stride;
    T* y = static_cast<T*>(a.y) + r * a.y_stride;
    sweep(a.cols, [&](int64_t i, auto part) {
      store(y + i, load(y + i, part) + load(product + i, part), part);
    });
  }
}

template <class T>
void gelu_tile(const EpilogueArgs& a) {
  const T* bias = static_cast<const T*>(a.bias);
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* product = a.product + r * a.product_stride;
    T* pre = static_cast<T*>(a.pre) + r * a.pre_stride;
    T* y = static_cast<T*>(a.y) + r * a.y_stride;
    sweep(a.cols, [&](int64_t i, auto part) {
      F x = load(product + i, part);
      if (bias) x += load(bias + i, part);
      store(pre + i, x, part);
      store(y + i, gelu(load(pre + i, part)), part);  // of the rounded value, which backward reads
    });
  }
}

template <class T>
void gelu_backward_tile(const EpilogueArgs& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* product = a.product + r * a.product_stride;
    const T* pre = static_cast<const T*>(a.pre) + r * a.pre_stride;
    T* y = static_cast<T*>(a.y) + r * a.y_stride;
    sweep(a.cols, [&](int64_t i, auto part) {
      store(y + i, load(product + i, part) * gelu_slope(load(pre + i, part)), part);
    });
  }
}

/// Rows summed in one go: short chains of additions keep the rounding error small.
constexpr int64_t kRowsPerSum = 64;

template <class T>
void column_sums(float* out, const void* x, int64_t stride, int64_t rows, int64_t cols,
                 bool add_to_out) {
  const T* in = static_cast<const T*>(x);
  sweep(cols, [&](int64_t c, auto part) {
    F total = add_to_out ? load(out + c, part) : F{};
    for (int64_t r0 = 0; r0 < rows; r0 += kRowsPerSum) {
      const int64_t end = r0 + kRowsPerSum < rows ? r0 + kRowsPerSum : rows;
      F some{};
      for (int64_t r = r0; r < end; ++r) some += load(in + r * stride + c, part);
      total += some;
    }
    store(out + c, total, part);
  });
}

template <class T>
void row_sums(float* out, const void* x, int64_t stride, int64_t rows, int64_t cols,
              bool add_to_out) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* in = static_cast<const T*>(x) + r * stride;
    const float total = sum_over(cols, [&](int64_t i, auto part) { return load(in + i, part); });
    out[r] = add_to_out ? out[r] + total : total;
  }
}

template <class T>
void fill_dtype(Kernels& k, int dtype) {
  k.epilogue[static_cast<int>(EpilogueKind::Plain)][dtype] = plain<T>;
  k.epilogue[static_cast<int>(EpilogueKind::Accumulate)][dtype] = accumulate<T>;
  k.epilogue[static_cast<int>(EpilogueKind::Gelu)][dtype] = gelu_tile<T>;
  k.epilogue[static_cast<int>(EpilogueKind::GeluBackward)][dtype] = gelu_backward_tile<T>;
  k.column_sums[dtype] = column_sums<T>;
  k.row_sums[dtype] = row_sums<T>;
}

}  // namespace

void fill_epilogues(Kernels& k) {
  fill_dtype<float>(k, 0);
  fill_dtype<b16>(k, 1);
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
