// See convert.h.
#include "core/convert.h"

#include <complex>
#include <cstring>
#include "core/error.h"

namespace causeway {
namespace {

template <class To, class From>
void convert_all(std::byte* out, std::span<const From> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    To x;
    if constexpr (std::is_same_v<To, bf16>)
      x = bf16(static_cast<float>(values[i]));
    else
      x = static_cast<To>(values[i]);
    std::memcpy(out + i * sizeof(To), &x, sizeof(To));
  }
}

template <class From>
std::vector<std::byte> convert_to(std::span<const From> values, DType to) {
  std::vector<std::byte> out(values.size() * dtype_size(to));
  switch (to) {
    case DType::F32:
      convert_all<float>(out.data(), values);
      break;
    case DType::BF16:
      convert_all<bf16>(out.data(), values);
      break;
    case DType::F64:
      convert_all<double>(out.data(), values);
      break;
    case DType::C128:
      convert_all<std::complex<double>>(out.data(), values);
      break;
    case DType::I32:
      CHECK(false, "floats do not convert to i32");
  }
  return out;
}

template <class From>
float element(const std::byte* bytes, size_t i) {
  From x;
  std::memcpy(&x, bytes + i * sizeof(From), sizeof(From));
  if constexpr (std::is_same_v<From, std::complex<double>>)
    return static_cast<float>(x.real());
  else
    return static_cast<float>(x);
}

}  // namespace

std::vector<std::byte> convert(std::span<const float> values, DType to) {
  return convert_to(values, to);
}

std::vector<std::byte> convert(std::span<const double> values, DType to) {
  return convert_to(values, to);
}

std::vector<float> to_floats(std::span<const std::byte> bytes, DType from) {
  std::vector<float> out(bytes.size() / dtype_size(from));
  for (size_t i = 0; i < out.size(); ++i) switch (from) {
      case DType::F32:
        out[i] = element<float>(bytes.data(), i);
        break;
      case DType::BF16:
        out[i] = element<bf16>(bytes.data(), i);
        break;
      case DType::F64:
        out[i] = element<double>(bytes.data(), i);
        break;
      case DType::C128:
        out[i] = element<std::complex<double>>(bytes.data(), i);
        break;
      case DType::I32:
        CHECK(false, "i32 does not convert to floats");
    }
  return out;
}

}  // namespace causeway
