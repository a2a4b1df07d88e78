// Element types, and bf16 with round-to-nearest-even. Read next: tensor.h.
#pragma once
#include <bit>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace causeway {

/// F64 and C128 are the reference backend's; products compute in F32 and BF16, with F64 scalars.
enum class DType : uint8_t { F32, BF16, F64, C128, I32 };

constexpr size_t dtype_size(DType t) {
  switch (t) {
    case DType::F32:
      return 4;
    case DType::BF16:
      return 2;
    case DType::F64:
      return 8;
    case DType::C128:
      return 16;
    case DType::I32:
      return 4;
  }
  return 0;
}

constexpr std::string_view dtype_name(DType t) {
  switch (t) {
    case DType::F32:
      return "f32";
    case DType::BF16:
      return "bf16";
    case DType::F64:
      return "f64";
    case DType::C128:
      return "c128";
    case DType::I32:
      return "i32";
  }
  return "?";
}

/// The upper half of an f32. Conversion rounds to nearest even and keeps NaN a NaN.
struct bf16 {
  uint16_t bits = 0;
  bf16() = default;
  explicit bf16(float x) {
    uint32_t u = std::bit_cast<uint32_t>(x);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    u = nan ? (u | 0x00400000u) : u + 0x7fffu + ((u >> 16) & 1u);
    bits = static_cast<uint16_t>(u >> 16);
  }
  explicit operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
};
static_assert(sizeof(bf16) == 2);

/// The DType of a C++ element type.
template <class T>
inline constexpr DType dtype_of = DType::I32;
template <>
inline constexpr DType dtype_of<float> = DType::F32;
template <>
inline constexpr DType dtype_of<bf16> = DType::BF16;
template <>
inline constexpr DType dtype_of<double> = DType::F64;
template <>
inline constexpr DType dtype_of<std::complex<double>> = DType::C128;

}  // namespace causeway
