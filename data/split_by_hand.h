// The named patterns as code, faster than the regular expressions (splitter.cpp), of which
// tests/data/splitter_test.cpp holds them to be the same. Read next: split_by_hand.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace causeway {

/// What patterns ask of a character: one of four classes, and which part of a word in o200k's sense
/// it may be in (title case and upper case begin one, lower case ends it, other letters and marks
/// do both).
enum CharacterBits : uint8_t {
  kOther = 0,
  kLetter = 1,
  kNumber = 2,
  kSpace = 3,
  kClassMask = 3,
  kWordHead = 4,  ///< Lu Lt Lm Lo M
  kWordTail = 8,  ///< Ll Lm Lo M
};
/// (0x110000): the bits of each code point.
using CharacterTable = std::vector<uint8_t>;

enum class HandPattern : uint8_t { Gpt2, Cl100k, O200k };

/// Appends base + the end of each piece of `text`, which must be valid UTF-8.
void split_by_hand(HandPattern pattern, std::string_view text, const CharacterTable& table,
                   size_t base, std::vector<uint32_t>& ends);

}  // namespace causeway
