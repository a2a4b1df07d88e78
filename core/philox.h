// Philox4x32-10, the counter-based generator behind every random number of a run: a value is a
// function of (seed, purpose, layer, index, element), never of history. So any thread, rank or
// resumed process draws the same numbers. Salmon et al. 2011, "Parallel random numbers: as easy as
// 1, 2, 3". Free of library includes and constexpr, so that kernels of every backend share it.
#pragma once
#include <array>
#include <cstdint>

namespace causeway {

enum class RandomPurpose : uint8_t {
  Init,
  Dropout,
  DataOrder,
  DataShift,
  Sampling,
  Rounding,
  Test
};

/// Names one stream of random numbers; element e of it is word e % 4 of block e / 4.
struct RandomStream {
  uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::Test;
  uint32_t layer = 0;  ///< < 2^24: which dropout site, which parameter, ...
  uint64_t index = 0;  ///< global micro-batch, epoch, token position, ...
};

/// Four random words: block `block` of the stream.
constexpr std::array<uint32_t, 4> philox(const RandomStream& s, uint32_t block) {
  uint32_t c0 = block, c1 = (static_cast<uint32_t>(s.purpose) << 24) | (s.layer & 0xffffffu);
  uint32_t c2 = static_cast<uint32_t>(s.index), c3 = static_cast<uint32_t>(s.index >> 32);
  uint32_t k0 = static_cast<uint32_t>(s.seed), k1 = static_cast<uint32_t>(s.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1), c3 = static_cast<uint32_t>(p0), c0 = n0, c2 = n2;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

/// Element `element` of the stream as 32 random bits.
constexpr uint32_t random_bits(const RandomStream& s, uint64_t element) {
  return philox(s, static_cast<uint32_t>(element / 4))[element % 4];
}

/// Uniform in (0, 1), never 0 or 1.
inline double uniform(uint32_t bits) { return (bits + 0.5) * 0x1p-32; }

}  // namespace causeway
