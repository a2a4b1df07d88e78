// Memory and conversion of the reference backend: plain host memory. See backend.h.
#include <cstdlib>
#include <cstring>

#include "core/ops_check.h"
#include "tests/reference/backend.h"
#include "tests/reference/reference_backend.h"

namespace causeway {

std::unique_ptr<Backend> make_reference_backend(DType dtype) {
  CHECK(dtype == DType::F64 || dtype == DType::C128,
        "the reference computes in f64 or c128, not {}", dtype_name(dtype));
  if (dtype == DType::F64) return std::make_unique<reference::ReferenceBackend<double>>();
  return std::make_unique<reference::ReferenceBackend<reference::Complex>>();
}

namespace reference {
namespace {

/// Calls visit(index) for every index of a rank-4 shape; lower ranks count as leading ones.
template <class Visit>
void for_each_row(const Tensor& t, Visit visit) {
  std::array<int64_t, 3> n{1, 1, 1};  // all dimensions but the last
  for (int d = 0; d + 1 < t.rank; ++d) n[d] = t.shape[d];
  for (int64_t a = 0; a < n[0]; ++a)
    for (int64_t b = 0; b < n[1]; ++b)
      for (int64_t c = 0; c < n[2]; ++c) visit(std::array<int64_t, 3>{a, b, c});
}

char* row(const Tensor& t, const std::array<int64_t, 3>& index) {
  int64_t offset = 0;
  for (int d = 0; d + 1 < t.rank; ++d) offset += index[d] * t.stride[d];
  return static_cast<char*>(t.data) + offset * int64_t(dtype_size(t.dtype));
}

size_t row_bytes(const Tensor& t) {
  return (t.rank ? t.shape[t.rank - 1] : 1) * dtype_size(t.dtype);
}

Complex load(const Tensor& t, int64_t i) {
  switch (t.dtype) {
    case DType::F32:
      return t.as<float>()[i];
    case DType::BF16:
      return static_cast<float>(t.as<bf16>()[i]);
    case DType::F64:
      return t.as<double>()[i];
    case DType::C128:
      return t.as<Complex>()[i];
    case DType::I32:
      break;
  }
  return t.as<int32_t>()[i];
}

/// Real types keep the real part: only c128 has room for a derivative.
void store(const Tensor& t, int64_t i, Complex value) {
  switch (t.dtype) {
    case DType::F32:
      t.as<float>()[i] = static_cast<float>(value.real());
      return;
    case DType::BF16:
      t.as<bf16>()[i] = bf16(static_cast<float>(value.real()));
      return;
    case DType::F64:
      t.as<double>()[i] = value.real();
      return;
    case DType::C128:
      t.as<Complex>()[i] = value;
      return;
    case DType::I32:
      break;
  }
  t.as<int32_t>()[i] = static_cast<int32_t>(value.real());
}

}  // namespace

template <class T>
std::string_view ReferenceBackend<T>::name() const {
  return dtype_of<T> == DType::F64 ? "reference-f64" : "reference-c128";
}

template <class T>
void* ReferenceBackend<T>::allocate(size_t bytes) {
  const size_t rounded = (bytes + 63) / 64 * 64;  // aligned_alloc wants a multiple of 64
  void* data = std::aligned_alloc(64, rounded);
  if (!data && rounded)
    throw Error({.id = "memory.host",
                 .what = fmt::format("the host has no {} bytes left", bytes),
                 .remedy = "use a smaller case"});
  std::memset(data, 0, rounded);
  return data;
}

template <class T>
void ReferenceBackend<T>::deallocate(void* data, size_t) noexcept {
  std::free(data);
}

template <class T>
void ReferenceBackend<T>::upload(const Tensor& dst, const void* host) {
  CHECK(dst.contiguous(), "upload to {}, which is strided", to_string(dst));
  std::memcpy(dst.data, host, dst.bytes());
}

template <class T>
void ReferenceBackend<T>::download(void* host, const Tensor& src) {
  CHECK(src.contiguous(), "download of {}, which is strided", to_string(src));
  std::memcpy(host, src.data, src.bytes());
}

template <class T>
void ReferenceBackend<T>::copy(const Tensor& dst, const Tensor& src) {
  check_copy(dst, src);
  for_each_row(dst, [&](const auto& index) {
    std::memcpy(row(dst, index), row(src, index), row_bytes(dst));
  });
}

template <class T>
void ReferenceBackend<T>::zero(const Tensor& x) {
  for_each_row(x, [&](const auto& index) { std::memset(row(x, index), 0, row_bytes(x)); });
}

/// Unlike the others, cast takes every dtype: it is how values enter and leave the reference.
template <class T>
void ReferenceBackend<T>::cast(const Tensor& y, const Tensor& x) {
  check_cast(y, x);
  for (int64_t i = 0; i < y.numel(); ++i) store(y, i, load(x, i));
}

template class ReferenceBackend<double>;
template class ReferenceBackend<Complex>;

}  // namespace reference
}  // namespace causeway
