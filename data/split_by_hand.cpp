// See split_by_hand.h. Each piece_end follows its expression in splitter.cpp, case by case.
#include "data/split_by_hand.h"

#include <algorithm>

namespace causeway {

namespace {

/// A character's bits and where the next one begins.
struct Step {
  uint8_t bits;
  size_t next;
  uint8_t kind() const { return bits & kClassMask; }
};

class Scanner {
 public:
  Scanner(std::string_view text, const CharacterTable& table) : text_(text), table_(table.data()) {}

  // '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  size_t gpt2(size_t at) const {
    if (text_[at] == '\'') {
      if (const size_t length = contraction(at, Case::AsIs)) return at + length;
    }
    const Step first = step(at);
    if (first.kind() != kSpace) return run_end(first.next, first.kind());
    if (text_[at] == ' ' && first.next < text_.size()) {
      const Step second = step(first.next);
      if (second.kind() != kSpace) return run_end(second.next, second.kind());
    }
    return all_but_last_space(at, run_end(first.next, kSpace));
  }

  // '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+
  // |\s++\z|\s*[\r\n]|\s+(?!\S)|\s
  size_t cl100k(size_t at) const {
    if (text_[at] == '\'') {
      if (const size_t length = contraction(at, Case::Any)) return at + length;
    }
    const Step first = step(at);
    if (first.kind() == kLetter) return run_end(first.next, kLetter);
    if (first.kind() == kNumber) return number_end(first.next);
    if (first.next < text_.size()) {
      const Step second = step(first.next);
      if (second.kind() == kLetter && !is_break(at)) return run_end(second.next, kLetter);
      if (second.kind() == kOther && text_[at] == ' ')
        return skip(run_end(second.next, kOther), "\r\n");
    }
    if (first.kind() == kOther) return skip(run_end(first.next, kOther), "\r\n");
    const size_t end = run_end(first.next, kSpace);
    if (end == text_.size()) return end;
    const size_t lines = lines_end(at, end);
    return lines > at ? lines : all_but_last_space(at, end);
  }

  // [^\r\n\p{L}\p{N}]? then HEAD*TAIL+ or HEAD+TAIL*, with a contraction; then as cl100k, but
  // [\r\n/]* behind other characters and \s*[\r\n]+ even at the end
  size_t o200k(size_t at) const {
    const Step first = step(at);
    if (first.kind() == kNumber) return number_end(first.next);
    if (const size_t end = word_end(at, first)) return with_contraction(end);
    if (first.kind() == kOther) return skip(run_end(first.next, kOther), "\r\n/");
    if (text_[at] == ' ' && first.next < text_.size() && step(first.next).kind() == kOther)
      return skip(run_end(first.next, kOther), "\r\n/");
    const size_t end = run_end(first.next, kSpace);
    const size_t lines = lines_end(at, end);
    return lines > at ? lines : all_but_last_space(at, end);
  }

 private:
  enum class Case : bool { AsIs, Any };

  Step step(size_t at) const {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text_[at + i]); };
    const uint32_t b = byte(0);
    if (b < 0x80) return {table_[b], at + 1};
    if (b < 0xE0) return {table_[(b & 0x1F) << 6 | (byte(1) & 0x3F)], at + 2};
    const uint32_t low = (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    if (b < 0xF0) return {table_[(b & 0x0F) << 12 | low], at + 3};
    return {table_[(b & 0x07) << 18 | low << 6 | (byte(3) & 0x3F)], at + 4};
  }

  size_t run_end(size_t at, uint8_t kind) const {
    while (at < text_.size()) {
      const Step here = step(at);
      if (here.kind() != kind) break;
      at = here.next;
    }
    return at;
  }

  /// Behind at most two more numbers.
  size_t number_end(size_t at) const {
    for (int more = 0; more < 2 && at < text_.size(); ++more) {
      const Step here = step(at);
      if (here.kind() != kNumber) break;
      at = here.next;
    }
    return at;
  }

  size_t skip(size_t at, std::string_view characters) const {
    while (at < text_.size() && characters.find(text_[at]) != std::string_view::npos) ++at;
    return at;
  }

  bool is_break(size_t at) const { return text_[at] == '\r' || text_[at] == '\n'; }

  /// Behind the last line break of the spaces [begin, end); begin: there is none.
  size_t lines_end(size_t begin, size_t end) const {
    while (end > begin && !is_break(end - 1)) --end;
    return end;
  }

  /// A run of spaces [begin, end) leaves its last one to the word behind it.
  size_t all_but_last_space(size_t begin, size_t end) const {
    if (end == text_.size()) return end;
    size_t last = end - 1;
    while ((text_[last] & 0xC0) == 0x80) --last;
    return last > begin ? last : end;
  }

  /// The end of a word of o200k, with the character before it where that is no letter, number or
  /// line break; 0: there is none.
  size_t word_end(size_t at, const Step& first) const {
    if (first.kind() != kLetter && !is_break(at)) {
      if (const size_t end = head_and_tail_end(first.next, Heads::WithTail)) return end;
    }
    if (const size_t end = head_and_tail_end(at, Heads::WithTail)) return end;
    const size_t begin = first.kind() == kLetter || is_break(at) ? at : first.next;
    return head_and_tail_end(begin, Heads::Alone);
  }

  /// Alone: HEAD+ where no TAIL follows. WithTail: HEAD*TAIL+; where nothing behind the heads is a
  /// tail, the last head that may be one is.
  enum class Heads : bool { WithTail, Alone };
  size_t head_and_tail_end(size_t begin, Heads heads) const {
    size_t at = begin, last_tail = 0;
    while (at < text_.size()) {
      const Step here = step(at);
      if (!(here.bits & kWordHead)) break;
      at = here.next;
      if (here.bits & kWordTail) last_tail = at;
    }
    if (heads == Heads::Alone) return at > begin ? at : 0;
    while (at < text_.size()) {
      const Step here = step(at);
      if (!(here.bits & kWordTail)) break;
      last_tail = at = here.next;
    }
    return last_tail;
  }

  size_t with_contraction(size_t at) const {
    return at < text_.size() && text_[at] == '\'' ? at + contraction(at, Case::Any) : at;
  }

  /// The length of 's, 't, 're ... at `at`, or 0. In any case, ſ (U+017F) is an s.
  size_t contraction(size_t at, Case letter_case) const {
    const auto letter = [&](size_t i) {
      const char c = i < text_.size() ? text_[i] : ' ';
      const bool upper = letter_case == Case::Any && c >= 'A' && c <= 'Z';
      return upper ? static_cast<char>(c - 'A' + 'a') : c;
    };
    const char first = letter(at + 1), second = letter(at + 2);
    if (first == 's' || first == 'd' || first == 'm' || first == 't') return 2;
    if (first == 'l' && second == 'l') return 3;
    if ((first == 'v' || first == 'r') && second == 'e') return 3;
    const bool long_s = letter_case == Case::Any && text_.substr(at + 1, 2) == "\u017F";
    return long_s ? 3 : 0;
  }

  std::string_view text_;
  const uint8_t* table_;
};

template <class PieceEnd>
void split(size_t size, size_t base, std::vector<uint32_t>& ends, const PieceEnd& piece_end) {
  for (size_t at = 0; at < size;) {
    at = piece_end(at);
    ends.push_back(static_cast<uint32_t>(base + at));
  }
}

}  // namespace

void split_by_hand(HandPattern pattern, std::string_view text, const CharacterTable& table,
                   size_t base, std::vector<uint32_t>& ends) {
  const Scanner scan(text, table);
  switch (pattern) {
    case HandPattern::Gpt2:
      return split(text.size(), base, ends, [&](size_t at) { return scan.gpt2(at); });
    case HandPattern::Cl100k:
      return split(text.size(), base, ends, [&](size_t at) { return scan.cl100k(at); });
    case HandPattern::O200k:
      return split(text.size(), base, ends, [&](size_t at) { return scan.o200k(at); });
  }
}

}  // namespace causeway
