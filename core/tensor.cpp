// See tensor.h.
#include "core/tensor.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"

namespace causeway {

Tensor::Tensor(void* data, DType dtype, std::initializer_list<int64_t> dims)
    : data(data), dtype(dtype), rank(static_cast<int>(dims.size())) {
  CHECK(rank <= kMaxRank, "a tensor has at most {} dimensions, got {}", kMaxRank, rank);
  std::copy(dims.begin(), dims.end(), shape.begin());
  for (int64_t d = rank - 1, step = 1; d >= 0; --d) {
    CHECK(shape[d] >= 0, "negative dimension {} at {}", shape[d], d);
    stride[d] = step;
    step *= shape[d];
  }
}

int64_t Tensor::numel() const {
  int64_t n = 1;
  for (int d = 0; d < rank; ++d) n *= shape[d];
  return n;
}

void* Tensor::data_as(DType expected) const {
  CHECK(dtype == expected, "tensor is {}, asked for as {}", dtype_name(dtype),
        dtype_name(expected));
  return data;
}

bool Tensor::contiguous() const {
  for (int64_t d = rank - 1, step = 1; d >= 0; --d) {
    if (shape[d] != 1 && stride[d] != step) return false;
    step *= shape[d];
  }
  return true;
}

Tensor Tensor::slice(int d, int64_t begin, int64_t length) const {
  CHECK(d >= 0 && d < rank && begin >= 0 && length >= 0 && begin + length <= shape[d],
        "slice [{}, {}) of dimension {} of {}", begin, begin + length, d, to_string(*this));
  Tensor part = *this;
  part.shape[d] = length;
  part.data = static_cast<char*>(data) + begin * stride[d] * int64_t(dtype_size(dtype));
  return part;
}

Tensor Tensor::view(std::initializer_list<int64_t> dims) const {
  Tensor other(data, dtype, dims);
  CHECK(contiguous() && other.numel() == numel(), "cannot view {} as {}", to_string(*this),
        to_string(other));
  return other;
}

std::string to_string(const Tensor& t) {
  return fmt::format("{} ({})", dtype_name(t.dtype),
                     fmt::join(t.shape.begin(), t.shape.begin() + t.rank, ", "));
}

}  // namespace causeway
