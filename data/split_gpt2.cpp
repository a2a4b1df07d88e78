// See split_gpt2.h.
#include "data/split_gpt2.h"

#include "data/splitter.h"

namespace causeway {

namespace {

/// A character's class and where the next one begins.
struct Step {
  uint8_t kind;
  size_t next;
};

class Scanner {
 public:
  Scanner(std::string_view text, const std::vector<uint8_t>& classes)
      : text_(text), classes_(classes.data()) {}

  /// The end of the piece that begins at `at`. The order of the cases is that of the pattern.
  size_t piece_end(size_t at) const {
    if (text_[at] == '\'') {
      if (const size_t length = contraction(at)) return at + length;
    }
    const Step first = step(at);
    if (first.kind != kSpace) return run_end(first.next, first.kind);
    if (text_[at] == ' ' && at + 1 < text_.size()) {
      const Step second = step(at + 1);
      if (second.kind != kSpace) return run_end(second.next, second.kind);
    }
    return spaces_end(at, first.next);
  }

 private:
  Step step(size_t at) const {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text_[at + i]); };
    const uint32_t b = byte(0);
    if (b < 0x80) return {classes_[b], at + 1};
    if (b < 0xE0) return {classes_[(b & 0x1F) << 6 | (byte(1) & 0x3F)], at + 2};
    const uint32_t low = (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    if (b < 0xF0) return {classes_[(b & 0x0F) << 12 | low], at + 3};
    return {classes_[(b & 0x07) << 18 | low << 6 | (byte(3) & 0x3F)], at + 4};
  }

  size_t run_end(size_t at, uint8_t kind) const {
    while (at < text_.size()) {
      const Step here = step(at);
      if (here.kind != kind) break;
      at = here.next;
    }
    return at;
  }

  /// A run of spaces leaves its last one to the word behind it.
  size_t spaces_end(size_t begin, size_t at) const {
    size_t last = begin;
    while (at < text_.size()) {
      const Step here = step(at);
      if (here.kind != kSpace) return last > begin ? last : at;
      last = at;
      at = here.next;
    }
    return at;
  }

  size_t contraction(size_t at) const {
    const std::string_view rest = text_.substr(at + 1, 2);
    if (rest.empty()) return 0;
    if (rest[0] == 's' || rest[0] == 'd' || rest[0] == 'm' || rest[0] == 't') return 2;
    return rest == "ll" || rest == "ve" || rest == "re" ? 3 : 0;
  }

  std::string_view text_;
  const uint8_t* classes_;
};

}  // namespace

void split_gpt2(std::string_view text, const std::vector<uint8_t>& classes, size_t base,
                std::vector<uint32_t>& ends) {
  const Scanner scanner(text, classes);
  for (size_t at = 0; at < text.size();) {
    at = scanner.piece_end(at);
    ends.push_back(static_cast<uint32_t>(base + at));
  }
}

}  // namespace causeway
