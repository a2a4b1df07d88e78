// GPT-2's pattern by hand: '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// Ten times faster than a regular expression; tests/data/splitter_test.cpp holds both together.
// Read next: bpe.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace causeway {

/// Appends base + the end of each piece of `text`, which must be valid UTF-8. `classes`: see
/// character_classes().
void split_gpt2(std::string_view text, const std::vector<uint8_t>& classes, size_t base,
                std::vector<uint32_t>& ends);

}  // namespace causeway
