// UTF-8: the next code point, where a text stops being valid, and a stream that never shows half a
// character. Read next: tokenizer.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace causeway {

/// One decoded character. `length` is 0 where the bytes are no valid UTF-8 (overlong forms,
/// surrogates, values past U+10FFFF and cut sequences included).
struct CodePoint {
  char32_t value = 0;
  size_t length = 0;
};

/// The character that begins at text[at]; at < text.size().
CodePoint code_point_at(std::string_view text, size_t at);

/// Offset of the first byte that does not begin a valid character, or npos where all is valid.
size_t first_invalid_utf8(std::string_view text);

/// The nearest offset ≤ `at` that does not cut a character; `at` itself where bytes are not UTF-8.
size_t code_point_border(std::string_view text, size_t at);

/// The character as bytes; `value` must be a Unicode scalar value.
std::string to_utf8(char32_t value);

/// How a character is named in messages: `"é" (U+00E9)`; control characters by number alone.
std::string describe(char32_t value);

/// Feed it the bytes of one token after the other; it gives back whole characters and holds back
/// a sequence that the next token may complete. Bytes that can never become valid pass unchanged.
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);
  std::string finish();  ///< what was held back, as it is

 private:
  std::string held_;  // at most 3 bytes
};

}  // namespace causeway
