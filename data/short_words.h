// Ids of short words, found in one step: a table of lines of 32 bytes, each with one word and its
// ids, replaced by whatever comes next to the same place. Most words of a text are found here, for
// the price of comparing two numbers and copying three. Read next: bpe.cpp.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace causeway {

class ShortWords {
 public:
  static constexpr size_t kLongest = 15, kMostIds = 3;

  struct Line {
    uint64_t low = 0, high = 0;  // the word's bytes, its length in the last; 0: no word
    int32_t ids[kMostIds] = {};
    int32_t count = 0;
  };

  struct Key {
    uint64_t low, high;
  };

  /// `word`: 1 to 15 bytes, with 16 readable.
  static Key key_of(std::string_view word) {
    Key key;
    std::memcpy(&key.low, word.data(), 8);
    std::memcpy(&key.high, word.data() + 8, 8);
    const uint64_t ones = ~uint64_t{0};
    if (word.size() <= 8) {
      key.low &= ones >> (64 - 8 * word.size());
      key.high = 0;
    } else {
      key.high &= ones >> (128 - 8 * word.size());
    }
    key.high |= static_cast<uint64_t>(word.size()) << 56;
    return key;
  }

  /// The line where the word is, or would be.
  Line& line(const Key& key) {
    const uint64_t mixed = (key.low ^ (key.high * 0xC2B2AE3D27D4EB4Fu)) * 0x9E3779B97F4A7C15u;
    return lines_[mixed >> (64 - kBits)];
  }

  static bool holds(const Line& line, const Key& key) {
    return line.low == key.low && line.high == key.high;
  }

  static void set(Line& line, const Key& key, std::span<const int32_t> ids) {
    if (ids.size() > kMostIds) return;
    line.low = key.low, line.high = key.high;
    line.count = static_cast<int32_t>(ids.size());
    std::copy(ids.begin(), ids.end(), line.ids);
  }

 private:
  static constexpr int kBits = 14;  // 512 KiB: a share of the second-level cache
  std::vector<Line> lines_ = std::vector<Line>(size_t{1} << kBits);
};

}  // namespace causeway
