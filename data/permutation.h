// A seeded permutation of [0, n) that is computed, not stored: the order of windows in an epoch.
// A Feistel network permutes [0, 4^h) ⊇ [0, n); a value that falls outside is sent through again
// until it falls inside (cycle walking), which keeps the map one-to-one on [0, n).
// Black & Rogaway 2002, "Ciphers with arbitrary finite domains". Read next: loader.cpp.
#pragma once
#include <cstdint>

namespace causeway {

/// Where `index` < n goes in epoch `epoch`; n < 2^62. O(1): four network passes at most on average.
int64_t permute_index(int64_t index, int64_t n, uint64_t seed, uint64_t epoch);

}  // namespace causeway
