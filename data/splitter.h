// Cuts a text into the pieces that BPE merges within (pre-tokenisation), by a regular expression.
// The one place that knows PCRE2. Read next: split_by_hand.h, bpe.h.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/split_by_hand.h"

namespace causeway {

struct CompiledPattern;

/// Auto: by hand where the pattern has a name. Both give the same pieces.
enum class SplitEngine : uint8_t { Auto, Pcre2 };

class Splitter {
 public:
  /// `pattern`: gpt2, cl100k, o200k, or a regular expression in PCRE2's syntax with Unicode
  /// properties. `\s` is Unicode's White_Space and `$` the end of the text, as in Python and Rust.
  /// Throws tokenizer.pattern, naming the place in the expression.
  explicit Splitter(std::string_view pattern, SplitEngine engine = SplitEngine::Auto);
  ~Splitter();

  /// Appends the end of each piece of `text` (< 4 GiB) to `ends`; the first begins at 0, each other
  /// where the one before ends. What no match covers is a piece of its own, and so is each run of
  /// bytes that are no UTF-8; a match never crosses one. Safe to call from several threads.
  /// Throws tokenizer.pattern_limit where the expression takes too many steps on this text.
  void split(std::string_view text, std::vector<uint32_t>& ends) const;

  /// The greatest offset ≤ limit where `text` may be cut in two without changing a piece, or 0
  /// where none is known: always for expressions of a user's own.
  size_t cut_before(std::string_view text, size_t limit) const;

  const std::string& expression() const { return expression_; }
  /// gpt2, cl100k, o200k, or "" for an expression of a user's own.
  const std::string& name() const { return name_; }

 private:
  void split_valid(std::string_view text, size_t base, std::vector<uint32_t>& ends) const;

  std::string name_, expression_;
  HandPattern by_hand_ = HandPattern::Gpt2;
  std::unique_ptr<const CompiledPattern> compiled_;  ///< null: by hand
};

/// The version of Unicode's tables that pieces are cut by, e.g. "14.0.0".
std::string unicode_version();

/// The classes of all code points, taken once from PCRE2's own tables.
const CharacterTable& character_table();

}  // namespace causeway
