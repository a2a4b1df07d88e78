// Gives each distinct byte string a number, in the order of first sight: the words of a cache or of
// a count. Bytes lie in one buffer, slots in one table; a hundred million look-ups want nothing
// else. Read next: bpe.cpp, bpe_count.cpp.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace causeway {

class BytesMap {
 public:
  BytesMap() : slots_(size_t{1} << 12) {}

  /// The number of `key` (< 4 GiB of keys in all). A new one gets number size().
  uint32_t find_or_add(std::string_view key) {
    const auto hash = static_cast<uint32_t>(hash_of(key) >> 32);
    size_t place = place_of(key, hash);
    if (slots_[place].number_plus_1) return slots_[place].number_plus_1 - 1;
    if (2 * begins_.size() >= slots_.size()) {
      grow();
      place = place_of(key, hash);
    }
    const auto begin = static_cast<uint32_t>(bytes_.size());
    begins_.push_back(begin);
    bytes_ += key;
    const auto number_plus_1 = static_cast<uint32_t>(begins_.size());
    slots_[place] = {hash, number_plus_1, begin, static_cast<uint32_t>(key.size())};
    return number_plus_1 - 1;
  }

  static constexpr uint32_t kNone = ~uint32_t{0};
  /// The number of `key`, or kNone.
  uint32_t find(std::string_view key) const {
    return slots_[place_of(key, static_cast<uint32_t>(hash_of(key) >> 32))].number_plus_1 - 1;
  }

  size_t size() const { return begins_.size(); }
  size_t bytes() const { return bytes_.size(); }
  std::string_view operator[](size_t number) const {
    const size_t begin = begins_[number];
    const size_t end = number + 1 < begins_.size() ? begins_[number + 1] : bytes_.size();
    return std::string_view(bytes_).substr(begin, end - begin);
  }
  void clear() {
    slots_.assign(slots_.size(), {});
    begins_.clear();
    bytes_.clear();
  }

 private:
  struct Slot {
    uint32_t hash = 0, number_plus_1 = 0, begin = 0, length = 0;
  };

  static uint64_t hash_of(std::string_view key) {
    constexpr uint64_t kOdd = 0x9E3779B97F4A7C15u;
    uint64_t hash = key.size() * kOdd;
    const auto mix = [&hash](uint64_t word) {
      hash = (hash ^ word) * kOdd;
      hash ^= hash >> 32;
    };
    size_t at = 0;
    for (; at + 8 <= key.size(); at += 8) mix(load<uint64_t>(key, at));
    if (at + 4 <= key.size()) {
      mix(load<uint32_t>(key, at));
      at += 4;
    }
    uint64_t rest = 0;
    for (; at < key.size(); ++at) rest = rest << 8 | static_cast<unsigned char>(key[at]);
    mix(rest);
    return hash * kOdd;
  }

  template <class T>
  static T load(std::string_view key, size_t at) {
    T word;
    std::memcpy(&word, key.data() + at, sizeof(T));
    return word;
  }

  /// Where `key` is, or the free slot where it belongs.
  size_t place_of(std::string_view key, uint32_t hash) const {
    for (size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (!slot.number_plus_1) return i;
      if (slot.hash == hash && slot.length == key.size() &&
          std::memcmp(bytes_.data() + slot.begin, key.data(), key.size()) == 0)
        return i;
    }
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (!slot.number_plus_1) continue;
      size_t i = slot.hash & (slots_.size() - 1);
      while (slots_[i].number_plus_1) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = slot;
    }
  }

  std::vector<Slot> slots_;       // a power of two, at most half full
  std::vector<uint32_t> begins_;  // by number: where its bytes begin
  std::string bytes_;
};

}  // namespace causeway
