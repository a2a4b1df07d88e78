// See utf8.h.
#include "data/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace causeway {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Length that a first byte announces; 0 for bytes that begin no character.
size_t announced_length(char first) {
  const auto b = static_cast<unsigned char>(first);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b < 0xE0) return 2;  // 0xC0, 0xC1 could only begin overlong forms
  if (b >= 0xE0 && b < 0xF0) return 3;
  if (b >= 0xF0 && b < 0xF5) return 4;
  return 0;
}

}  // namespace

CodePoint code_point_at(std::string_view text, size_t at) {
  const size_t length = announced_length(text[at]);
  if (length == 0 || at + length > text.size()) return {};
  if (length == 1) return {static_cast<unsigned char>(text[at]), 1};
  char32_t value = static_cast<unsigned char>(text[at]) & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[at + i])) return {};
    value = value << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  }
  static constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return {};
  return {value, length};
}

size_t first_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    // Eight ASCII characters at once: most texts are long runs of them.
    uint64_t eight = 0;
    if (at + sizeof eight <= text.size()) std::memcpy(&eight, text.data() + at, sizeof eight);
    if (at + sizeof eight <= text.size() && (eight & 0x8080808080808080u) == 0) {
      at += sizeof eight;
      continue;
    }
    const size_t length = code_point_at(text, at).length;
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

size_t code_point_border(std::string_view text, size_t at) {
  if (at >= text.size()) return text.size();
  for (size_t back = 0; back <= std::min<size_t>(at, 3); ++back) {
    if (is_continuation(text[at - back])) continue;
    const size_t length = code_point_at(text, at - back).length;
    return length > back ? at - back : at;
  }
  return at;
}

std::string to_utf8(char32_t value) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  const auto tail = [&](int shift) { return byte(0x80 | (value >> shift & 0x3F)); };
  if (value < 0x80) return {byte(value)};
  if (value < 0x800) return {byte(0xC0 | value >> 6), tail(0)};
  if (value < 0x10000) return {byte(0xE0 | value >> 12), tail(6), tail(0)};
  return {byte(0xF0 | value >> 18), tail(12), tail(6), tail(0)};
}

std::string describe(char32_t value) {
  const std::string number = fmt::format("U+{:04X}", static_cast<uint32_t>(value));
  const bool control = value < 0x20 || (value >= 0x7F && value < 0xA0);
  return control ? number : fmt::format("\"{}\" ({})", to_utf8(value), number);
}

std::string Utf8Stream::push(std::string_view bytes) {
  held_ += bytes;
  // Only a suffix shorter than what its first byte announces may still become a character.
  size_t keep = 0;
  for (size_t back = 1; back <= std::min<size_t>(held_.size(), 3); ++back) {
    const char first = held_[held_.size() - back];
    if (is_continuation(first)) continue;
    if (announced_length(first) > back) keep = back;
    break;
  }
  std::string whole = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return whole;
}

std::string Utf8Stream::finish() {
  std::string rest;
  rest.swap(held_);
  return rest;
}

}  // namespace causeway
