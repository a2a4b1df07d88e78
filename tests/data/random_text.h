// Seeded texts that look for trouble: random bytes, and characters that patterns tell apart.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "core/philox.h"
#include "data/utf8.h"

namespace causeway::test {

/// Draws from one stream.
class Dice {
 public:
  explicit Dice(uint64_t index) : stream_{5, RandomPurpose::Test, 1, index} {}
  uint32_t below(uint32_t n) { return random_bits(stream_, next_++) % n; }

 private:
  RandomStream stream_;
  uint64_t next_ = 0;
};

/// Any bytes at all.
inline std::string random_bytes(uint64_t index, uint32_t longest = 60) {
  Dice dice(index);
  std::string bytes(dice.below(longest + 1), '\0');
  for (char& c : bytes) c = static_cast<char>(dice.below(256));
  return bytes;
}

/// Mostly valid UTF-8 over letters, numbers, spaces, marks, contractions and line breaks.
inline std::string random_text(uint64_t index, uint32_t longest = 40) {
  static const std::vector<std::string> parts = {"a",          "B",
                                                 "s",          "t",
                                                 "ll",         "ve",
                                                 "re",         "'",
                                                 "'s",         "'S",
                                                 "'\u017F",    " ",
                                                 " ",          "  ",
                                                 "\n",         "\r\n",
                                                 "\t",         "1",
                                                 "23",         "\u00BD",
                                                 "\u0663",     "\u00E9",
                                                 "\u01C5",     "\u02B0",
                                                 "\u4E2D",     "e\u0301",
                                                 "\u0301",     "\u00A0",
                                                 "\u180E",     "\u2028",
                                                 "\u200B",     "\u0085",
                                                 "\u3000",     ".",
                                                 "!?",         "/",
                                                 "\x01",       std::string(1, '\0'),
                                                 "\U0001F600", "\xFF",
                                                 "\xE2\x82",   "\u0130",
                                                 "\u1E9E"};
  Dice dice(index);
  std::string text;
  for (uint32_t left = dice.below(longest + 1); left > 0; --left) {
    const uint32_t draw = dice.below(static_cast<uint32_t>(parts.size()) + 2);
    text += draw < parts.size() ? parts[draw] : to_utf8(static_cast<char32_t>(dice.below(0xD800)));
  }
  return text;
}

/// At least `size` bytes of it in lines, without NULs, in which nothing repeats soon.
inline std::string long_random_text(size_t size) {
  std::string text;
  for (uint64_t i = 0; text.size() < size; ++i)
    text += random_text(i % 5000) + std::to_string(i) + " and.\nThen";
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  return text;
}

}  // namespace causeway::test
