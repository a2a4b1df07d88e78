// View: a tensor's elements under their indices, whatever the strides, so that the definitions read
// like formulas. Read next: reference_backend.h.
#pragma once
#include <utility>

#include "core/tensor.h"

namespace causeway::reference {

template <class T, int R>
class View {
 public:
  View() = default;
  /// An absent tensor gives an absent view. Throws Error "op.unsupported" when t is not of type T.
  explicit View(const Tensor& t) : data_(typed(t)) {
    CHECK(!t || t.rank == R, "a view of {} dimensions of {}", R, to_string(t));
    for (int d = 0; d < R; ++d) stride_[d] = t.stride[d];
  }

  explicit operator bool() const { return data_ != nullptr; }

  template <class... Index>
  T& operator()(Index... index) const {
    static_assert(sizeof...(Index) == R);
    int64_t offset = 0;
    int d = 0;
    ((offset += static_cast<int64_t>(index) * stride_[d++]), ...);
    return data_[offset];
  }

  /// The same matrix with rows and columns exchanged.
  View transposed() const {
    static_assert(R == 2);
    View other = *this;
    std::swap(other.stride_[0], other.stride_[1]);
    return other;
  }

 private:
  static T* typed(const Tensor& t) {
    if (t && t.dtype != dtype_of<T>)
      throw Error({.id = "op.unsupported",
                   .what = fmt::format("[reference] expected {} tensors, got {}",
                                       dtype_name(dtype_of<T>), to_string(t)),
                   .remedy = "give the reference backend tensors of its own dtype"});
    return static_cast<T*>(t.data);
  }

  T* data_ = nullptr;
  std::array<int64_t, R> stride_{};
};

template <class T>
using Vec = View<T, 1>;
template <class T>
using Mat = View<T, 2>;
using Ints = View<int32_t, 2>;

/// A dense tensor's elements under one index.
template <class T>
Vec<T> flat(const Tensor& t) {
  return Vec<T>(t ? t.view({t.numel()}) : t);
}

}  // namespace causeway::reference
