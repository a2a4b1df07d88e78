// What a plan for a matrix product depends on: sizes, strides, options and how addresses are
// aligned. Read next: products.h.
#pragma once
#include <array>
#include <cstdint>

#include "core/backend.h"

namespace causeway::cuda {

/// Bytes to which an address is aligned, up to 256.
inline uint32_t alignment(const Tensor& t) {
  const auto address = reinterpret_cast<uintptr_t>(t.data) | 256;
  return static_cast<uint32_t>(address & -address);
}

using ProductKey = std::array<int64_t, 19>;
inline ProductKey key_of(const Matmul& op) {
  return {op.y.shape[0],
          op.y.shape[1],
          op.a.shape[op.a_transpose == Transpose::No],
          op.y.stride[0],
          op.a.stride[0],
          op.b.stride[0],
          op.pre ? op.pre.stride[0] : 0,
          static_cast<int64_t>(op.a.dtype),
          static_cast<int64_t>(op.y.dtype),
          static_cast<int64_t>(op.a_transpose),
          static_cast<int64_t>(op.b_transpose),
          static_cast<int64_t>(op.mode),
          static_cast<int64_t>(op.epilogue),
          static_cast<bool>(op.bias),
          alignment(op.y),
          alignment(op.a),
          alignment(op.b),
          alignment(op.bias),
          alignment(op.pre)};
}

}  // namespace causeway::cuda
