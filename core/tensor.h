// Tensor: a view of memory with a dtype, a shape and strides. It owns nothing.
// Read next: backend.h (what is done with tensors), arena.h and buffer.h (who owns the memory).
//
// One dimension alphabet for the whole project:
//   B batch (sequences)   T time (positions)   C width        N rows = B·T
//   H query heads         K key/value heads    D head size    F MLP width
//   V vocabulary          L layers
#pragma once
#include <array>
#include <initializer_list>
#include <string>

#include "core/dtype.h"

namespace causeway {

inline constexpr int kMaxRank = 4;

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::F32;
  int rank = 0;
  std::array<int64_t, kMaxRank> shape{};
  std::array<int64_t, kMaxRank> stride{};  ///< in elements

  Tensor() = default;
  /// Contiguous, row-major.
  Tensor(void* data, DType dtype, std::initializer_list<int64_t> dims);

  /// An absent optional tensor is false.
  explicit operator bool() const { return data != nullptr; }
  int64_t numel() const;
  size_t bytes() const { return static_cast<size_t>(numel()) * dtype_size(dtype); }
  bool contiguous() const;

  /// dims[d] in [begin, begin + length), sharing the memory.
  Tensor slice(int d, int64_t begin, int64_t length) const;
  /// The same elements under another shape; the tensor must be contiguous and the sizes agree.
  Tensor view(std::initializer_list<int64_t> dims) const;

  /// Typed pointer to the first element. T must match dtype.
  template <class T>
  T* as() const {
    return static_cast<T*>(data_as(dtype_of<T>));
  }

 private:
  void* data_as(DType expected) const;  // out of line: kernel files include this header, and the
                                        // CUDA compiler cannot read the formatting library
};

/// "f32 (4, 64, 384)", for messages.
std::string to_string(const Tensor& t);

}  // namespace causeway
