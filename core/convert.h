// Host arrays between dtypes: how initial values, tables and checkpoints reach a backend's dtype.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace causeway {

/// The values as an array of `to` (f32, bf16, f64, c128), rounded to nearest even.
std::vector<std::byte> convert(std::span<const float> values, DType to);
std::vector<std::byte> convert(std::span<const double> values, DType to);
/// numel elements of `from` as floats (c128: real parts).
std::vector<float> to_floats(std::span<const std::byte> bytes, DType from);

}  // namespace causeway
