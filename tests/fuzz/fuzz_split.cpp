// Fuzz target: any bytes as text. By hand and by PCRE2 the pieces are the same, a cut changes none.
#include "data/splitter.h"
#include "tests/data/random_text.h"
#include "tests/fuzz/fuzz.h"

namespace causeway::fuzz {

namespace {

struct Both {
  Splitter by_hand, pcre2;
  explicit Both(const char* name) : by_hand(name), pcre2(name, SplitEngine::Pcre2) {}
};

void compare(const Both& both, std::string_view text) {
  std::vector<uint32_t> ours, theirs, parts;
  both.by_hand.split(text, ours);
  both.pcre2.split(text, theirs);
  require(ours == theirs, "by hand and by PCRE2 the pieces differ");
  require(text.empty() || ours.back() == text.size(), "the pieces do not cover the text");
  const size_t cut = both.by_hand.cut_before(text, text.size() / 2);
  both.by_hand.split(text.substr(0, cut), parts);
  const size_t first = parts.size();
  both.by_hand.split(text.substr(cut), parts);
  for (size_t i = first; i < parts.size(); ++i) parts[i] += static_cast<uint32_t>(cut);
  require(parts == ours, "a cut changes the pieces");
}

}  // namespace

std::vector<std::string> seeds() {
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < 200; ++i) texts.push_back(test::random_text(i, 80));
  return texts;
}

void run(std::string_view input) {
  static const Both kNamed[] = {Both("gpt2"), Both("cl100k"), Both("o200k")};
  for (const Both& both : kNamed) compare(both, input);
}

}  // namespace causeway::fuzz
