// Tests of data/splitter.h.
#include "data/splitter.h"

#include <algorithm>

#include "tests/data/data_test_files.h"
#include "tests/data/random_text.h"

using namespace causeway;
using namespace causeway::test;

namespace {

std::vector<std::string> pieces(const Splitter& splitter, const std::string& text) {
  std::vector<uint32_t> ends;
  splitter.split(text, ends);
  std::vector<std::string> result;
  uint32_t at = 0;
  for (const uint32_t end : ends) {
    REQUIRE(end > at);
    result.push_back(text.substr(at, end - at));
    at = end;
  }
  REQUIRE(at == text.size());
  return result;
}

using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("GPT-2's pattern cuts words with the space before them, and leaves the last space") {
  const Splitter splitter("gpt2");
  CHECK(pieces(splitter, "Hello world's  end, 42!\n\n x") ==
        Pieces{"Hello", " world", "'s", " ", " end", ",", " 42", "!", "\n\n", " x"});
  CHECK(pieces(splitter, "we'll they've 'tis I'D") ==
        Pieces{"we", "'ll", " they", "'ve", " '", "tis", " I", "'", "D"});
  CHECK(pieces(splitter, "end   ") == Pieces{"end", "   "});
  CHECK(pieces(splitter, "").empty());
}

TEST_CASE("cl100k and o200k cut numbers in threes, and break lines as tiktoken does") {
  const Splitter cl100k("cl100k"), o200k("o200k");
  CHECK(pieces(cl100k, "12345 I'LL\n  x\n  ") ==
        Pieces{"123", "45", " I", "'LL", "\n", " ", " x", "\n  "});
  CHECK(pieces(o200k, "camelCase I'LL/\n//a\n  ") ==
        Pieces{"camel", "Case", " I'LL", "/\n//", "a", "\n", "  "});
}

TEST_CASE("by hand and by PCRE2, the named patterns cut alike, on text and on random bytes") {
  const auto name = GENERATE("gpt2", "cl100k", "o200k");
  const Splitter by_hand(name), pcre2(name, SplitEngine::Pcre2);
  std::vector<uint32_t> ours, theirs;
  for (uint64_t i = 0; i < 40000; ++i) {
    const std::string text = i % 4 ? random_text(i) : random_bytes(i);
    ours.clear(), theirs.clear();
    by_hand.split(text, ours);
    pcre2.split(text, theirs);
    if (ours != theirs) FAIL(name << ", text " << i << " of the seed: \"" << text << "\"");
  }
}

TEST_CASE("by hand, every code point has the class that PCRE2's tables give it") {
  const auto name = GENERATE("gpt2", "cl100k", "o200k");
  const Splitter by_hand(name), pcre2(name, SplitEngine::Pcre2);
  std::string all;
  for (char32_t c = 1; c < 0x110000; ++c)
    if (c < 0xD800 || c > 0xDFFF)
      all += "a" + to_utf8(c) + "A" + to_utf8(c) + "1" + to_utf8(c) + ". ";
  std::vector<uint32_t> ours, theirs;
  by_hand.split(all, ours);
  pcre2.split(all, theirs);
  CHECK(ours == theirs);
  // PCRE2's own \s has U+180E, Unicode's White_Space does not.
  CHECK((character_table()[0x180E] & kClassMask) != kSpace);
  CHECK((character_table()[0x85] & kClassMask) == kSpace);
  CHECK(has(unicode_version(), "."));
}

TEST_CASE("a text may be cut where cut_before says, without changing a piece") {
  for (const char* name : {"gpt2", "cl100k", "o200k"}) {
    const Splitter splitter(name);
    int cuts = 0;
    for (uint64_t i = 0; i < 3000; ++i) {
      const std::string text = random_text(i, 120) + " end of\nit";
      const size_t limit = 1 + i % text.size();
      const size_t cut = splitter.cut_before(text, limit);
      REQUIRE(cut <= std::max(limit, text.size()));
      if (cut == 0 || cut == text.size()) continue;
      ++cuts;
      Pieces both = pieces(splitter, text.substr(0, cut));
      const Pieces second = pieces(splitter, text.substr(cut));
      both.insert(both.end(), second.begin(), second.end());
      if (both != pieces(splitter, text)) FAIL(name << ": text " << i << " cut at " << cut);
    }
    CHECK(cuts > 300);
  }
  CHECK(Splitter("\\w+").cut_before("one two three", 8) == 0);
}

TEST_CASE(
    "what a pattern does not match is a piece of its own, and so are bytes that are no text") {
  CHECK(pieces(Splitter("[a-z]+"), "ab12cd") == Pieces{"ab", "12", "cd"});
  CHECK(pieces(Splitter("[a-z]+"), "12") == Pieces{"12"});
  CHECK(pieces(Splitter("x*"), "axx") == Pieces{"a", "xx"});  // an empty match is none
  CHECK(pieces(Splitter("gpt2"),
               "ab\xFF\xFE"
               "cd\xC3") == Pieces{"ab", "\xFF\xFE", "cd", "\xC3"});
  CHECK(pieces(Splitter("a$|."), "a\na") == Pieces{"a", "\n", "a"});
}

TEST_CASE("a pattern that is none is refused with its place, one that never ends by its limit") {
  const auto error = error_of([] { Splitter("ab(c"); });
  CHECK(error.id == "tokenizer.pattern");
  CHECK(has(error.what, "parenthesis"));
  const auto limit = error_of([] {
    std::vector<uint32_t> ends;
    Splitter("(x+x+)+[yz]").split(std::string(64, 'x'), ends);
  });
  CHECK(limit.id == "tokenizer.pattern_limit");
}
