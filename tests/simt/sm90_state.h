// What mbarriers, TMA and wgmma share inside the engine.
#pragma once
#include "tests/simt/sm90.h"
#include "tests/simt/state.h"

namespace causeway::simt {

struct Mbarrier {
  int count, pending;
  int64_t bytes;      ///< expected, less those that came
  unsigned phase;     ///< parity of the one under way
  Clock arrived{};    ///< what happened before the arrivals of this phase
  Clock completed{};  ///< before those of the last
};
Mbarrier& mbarrier(uint32_t address);               ///< fails where there is none
void advance(uint32_t address, Mbarrier& barrier);  ///< ends the phase if all is in
void mbarriers_reset();
void tma_reset();
void wgmma_reset();
void tma_leave(const Thread& t);
void wgmma_leave(const Thread& t);

/// The 128-byte swizzle: 16-byte chunks of a 128-byte row, XORed with the row's number in its 8.
inline uint32_t swizzle128(uint32_t address) { return address ^ ((address >> 7 & 7) << 4); }

}  // namespace causeway::simt
