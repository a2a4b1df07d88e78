// See permutation.h.
#include "data/permutation.h"

#include <algorithm>
#include <bit>

#include "core/error.h"
#include "core/philox.h"

namespace causeway {

namespace {

// Four rounds make a good cipher of wide halves; here halves may be one bit, so twice that.
constexpr uint32_t kRounds = 8;

/// One pass over values of 2·half_bits bits. One-to-one whatever the round function is.
uint64_t feistel(uint64_t value, int half_bits, uint64_t seed, uint64_t epoch) {
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  uint64_t left = value >> half_bits, right = value & mask;
  for (uint32_t round = 0; round < kRounds; ++round) {
    const RandomStream stream{seed, RandomPurpose::DataOrder, round, epoch};
    const uint64_t mixed = philox(stream, static_cast<uint32_t>(right))[0];
    const uint64_t next = left ^ (mixed & mask);
    left = right;
    right = next;
  }
  return left << half_bits | right;
}

}  // namespace

int64_t permute_index(int64_t index, int64_t n, uint64_t seed, uint64_t epoch) {
  CHECK(index >= 0 && index < n && n < (int64_t{1} << 62), "permute_index {} of {}", index, n);
  const auto end = static_cast<uint64_t>(n);
  const int half_bits = std::max(1, (static_cast<int>(std::bit_width(end - 1)) + 1) / 2);
  auto value = static_cast<uint64_t>(index);
  do {
    value = feistel(value, half_bits, seed, epoch);
  } while (value >= end);
  return static_cast<int64_t>(value);
}

}  // namespace causeway
