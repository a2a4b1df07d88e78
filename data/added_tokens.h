// Tokens with names of their own, outside the merges: <|endoftext|> and its like. Read next: bpe.h.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace causeway {

struct AddedToken {
  std::string name;
  int32_t id = 0;
  /// A special token steers (begin, end, roles): its name in a text is text, and it decodes to "".
  bool special = true;
};

/// Finds names in a text.
class AddedTokenFinder {
 public:
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);
  bool empty() const { return tokens_.empty(); }

  /// A name in a text: [begin, begin + length) is that of `id`. begin = npos: there is none.
  struct Found {
    size_t begin = std::string_view::npos, length = 0;
    int32_t id = -1;
  };
  /// The leftmost name at or after `at`, the longest of those that begin there.
  Found next(std::string_view text, size_t at) const;

  /// Calls text(part) and token(id) in their order.
  template <class Text, class Token>
  void visit(std::string_view whole, const Text& text, const Token& token) const {
    for (size_t at = 0;;) {
      const Found found = next(whole, at);
      const std::string_view part = whole.substr(at, found.begin - at);
      if (!part.empty()) text(part);
      if (found.begin == std::string_view::npos) return;
      token(found.id);
      at = found.begin + found.length;
    }
  }

 private:
  std::vector<AddedToken> tokens_;  // longest first
  std::array<bool, 256> begins_{};  // by byte: a name begins with it
};

}  // namespace causeway
