// bf16 values as the emulated matrix instructions read them.
#pragma once
#include <bit>
#include <cstdint>

namespace causeway::simt {

inline float bf16_value(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }
/// Of a register with two: half 0 is the lower one.
inline float bf16_half(uint32_t pair, int half) {
  return bf16_value(static_cast<uint16_t>(pair >> (16 * half)));
}

}  // namespace causeway::simt
