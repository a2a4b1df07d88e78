// Stochastic rounding from f32 to bf16: up with the probability that makes the mean exact. One text
// for every backend, as in core/philox.h: kernels of the CPU call it with vectors of words. Read
// next: core/backend.h (AdamW).
#pragma once
#include <stdint.h>

namespace causeway {

/// The bf16 next to an f32 in bits, its upper neighbour (away from zero) with probability
/// low half / 2¹⁶, else the lower: E = x exactly, and a number that is a bf16 stays. NaN stays NaN
/// and infinity itself; a number beyond the largest bf16 may round to infinity. `random`: of its 32
/// bits the lower 16 are used. U is uint32_t or a vector of them; the result is in its lower 16
/// bits. Static, as all that is compiled once per instruction set.
template <class U>
static constexpr U stochastic_bf16(U bits, U random) {
  const U nan = bits | 0x00400000u;  // or its payload could be cut off with the low half
  const U moved = bits + (random & 0xffffu);
  return ((bits & 0x7fffffffu) > 0x7f800000u ? nan : moved) >> 16;
}

}  // namespace causeway
