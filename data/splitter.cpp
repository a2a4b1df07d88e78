// See splitter.h.
#include "data/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>

#include "core/error.h"
#include "data/utf8.h"

namespace causeway {

namespace {

struct NamedPattern {
  HandPattern by_hand;
  std::string_view name, expression;
};

// \z, not $, and no {1,3}+: these lines also stand in tokenizer.json, and the library that reads
// them there takes $ for the end of a line and {1,3}+ for a repeated repetition.
constexpr NamedPattern kPatterns[] = {
    {HandPattern::Gpt2, "gpt2",
     R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"},
    {HandPattern::Cl100k, "cl100k",
     R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+)"
     R"(|\s++\z|\s*[\r\n]|\s+(?!\S)|\s)"},
    {HandPattern::O200k, "o200k",
     R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
     R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
     R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
};

// Unicode's White_Space, which does not change between versions. PCRE2's own \s has U+180E as well.
constexpr std::string_view kWhiteSpace =
    R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";

/// The expression with \s and \S written out as White_Space.
std::string with_white_space(std::string_view expression) {
  std::string result;
  bool in_class = false;
  for (size_t at = 0; at < expression.size(); ++at) {
    const std::string_view pair = expression.substr(at, 2);
    if (pair == "\\s") {
      result += in_class ? std::string(kWhiteSpace) : fmt::format("[{}]", kWhiteSpace);
    } else if (pair == "\\S" && !in_class) {
      result += fmt::format("[^{}]", kWhiteSpace);
    } else if (pair.size() == 2 && pair[0] == '\\') {
      result += pair;
    } else {
      if (expression[at] == '[') in_class = true;
      if (expression[at] == ']') in_class = false;
      result += expression[at];
      continue;
    }
    ++at;  // a pair was taken
  }
  return result;
}

std::string message_of(int error) {
  char text[256];
  pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(text), sizeof text);
  return text;
}

}  // namespace

/// A regular expression made ready. One owner of PCRE2's handle.
struct CompiledPattern {
  explicit CompiledPattern(const std::string& expression) {
    const std::string source = with_white_space(expression);
    int error = 0;
    size_t offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                         PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &error, &offset, nullptr);
    if (!code)
      throw Error({.id = "tokenizer.pattern",
                   .where = expression,
                   .what = fmt::format("{}, before: {}", message_of(error),
                                       offset < source.size() ? source.substr(offset) : "its end"),
                   .remedy = "a regular expression is wanted as PCRE2 reads it, or one of gpt2, "
                             "cl100k, o200k"});
    // Where code may not be made at run time, matching is slower and otherwise the same.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  CompiledPattern(const CompiledPattern&) = delete;
  CompiledPattern& operator=(const CompiledPattern&) = delete;
  ~CompiledPattern() { pcre2_code_free(code); }

  pcre2_code* code = nullptr;
};

namespace {

/// What one thread needs to match.
struct Match {
  // Steps of backtracking in one match. The named patterns take a few for each character.
  static constexpr uint32_t kMostSteps = 200'000'000;

  explicit Match(const CompiledPattern& pattern)
      : code(pattern.code),
        data(pcre2_match_data_create_from_pattern(code, nullptr)),
        context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context, kMostSteps);
  }
  Match(const Match&) = delete;
  Match& operator=(const Match&) = delete;
  ~Match() {
    if (stack) pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }

  /// [begin, end) of the first match at or after `at`; begin = npos: none.
  std::pair<size_t, size_t> find(std::string_view text, size_t at) {
    int found = run(text, at);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT && !stack) {
      // The compiled code begins on 32 KiB of the thread's stack; few expressions need more.
      stack = pcre2_jit_stack_create(size_t{1} << 16, size_t{64} << 20, nullptr);
      pcre2_jit_stack_assign(context, nullptr, stack);
      found = run(text, at);
    }
    if (found == PCRE2_ERROR_NOMATCH) return {std::string_view::npos, 0};
    if (found < 0)
      throw Error({.id = "tokenizer.pattern_limit",
                   .where = fmt::format("byte {} of a text of {}", at, text.size()),
                   .what = "the split pattern gave up: " + message_of(found),
                   .remedy = "use gpt2, cl100k or o200k, or an expression that backtracks less"});
    const size_t* offsets = pcre2_get_ovector_pointer(data);
    return {offsets[0], offsets[1]};
  }

  int run(std::string_view text, size_t at) {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    return pcre2_match(code, subject, text.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data,
                       context);
  }

  const pcre2_code* code;
  pcre2_match_data* data;
  pcre2_match_context* context;
  pcre2_jit_stack* stack = nullptr;
};

/// A place that every named pattern cuts at, whatever stands elsewhere: between a character that is
/// no space and one space with a letter behind it, or between such a character's line break and a
/// letter.
bool is_border(std::string_view text, size_t at) {
  const CharacterTable& table = character_table();
  const auto is = [&](CharacterBits kind, size_t i) {
    const CodePoint c = i < text.size() ? code_point_at(text, i) : CodePoint{};
    return c.length > 0 && (table[c.value] & kClassMask) == kind;
  };
  const auto space_before = [&](size_t i) {
    return i == 0 || is(kSpace, code_point_border(text, i - 1));
  };
  if (text[at] == ' ') return is(kLetter, at + 1) && !space_before(at);
  return text[at - 1] == '\n' && is(kLetter, at) && !space_before(at - 1);
}

}  // namespace

Splitter::Splitter(std::string_view pattern, SplitEngine engine) : expression_(pattern) {
  for (const NamedPattern& known : kPatterns)
    if (pattern == known.name || pattern == known.expression)
      name_ = known.name, expression_ = known.expression, by_hand_ = known.by_hand;
  if (name_.empty() || engine == SplitEngine::Pcre2)
    compiled_ = std::make_unique<CompiledPattern>(expression_);
  if (!name_.empty()) (void)character_table();  // made now, not by the first text
}

Splitter::~Splitter() = default;

void Splitter::split(std::string_view text, std::vector<uint32_t>& ends) const {
  CHECK(text.size() < UINT32_MAX, "a text of {} bytes", text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t valid = std::min(first_invalid_utf8(text.substr(at)), text.size() - at);
    if (valid > 0) split_valid(text.substr(at, valid), at, ends);
    at += valid;
    const size_t invalid = at;
    while (at < text.size() && code_point_at(text, at).length == 0) ++at;
    if (at > invalid) ends.push_back(static_cast<uint32_t>(at));
  }
}

void Splitter::split_valid(std::string_view text, size_t base, std::vector<uint32_t>& ends) const {
  if (!compiled_) return split_by_hand(by_hand_, text, character_table(), base, ends);
  Match match(*compiled_);
  for (size_t at = 0; at < text.size();) {
    const auto [begin, end] = match.find(text, at);
    if (begin != at) ends.push_back(static_cast<uint32_t>(base + std::min(begin, text.size())));
    if (begin >= text.size()) break;
    ends.push_back(static_cast<uint32_t>(base + end));
    at = end;
  }
}

size_t Splitter::cut_before(std::string_view text, size_t limit) const {
  if (limit >= text.size()) return text.size();
  if (name_.empty()) return 0;
  // Near the end or nowhere: a long search backwards for each part would be a square.
  const size_t lowest = limit / 2;
  for (size_t at = limit; at > lowest; --at)
    if (is_border(text, at)) return at;
  return 0;
}

std::string unicode_version() {
  char version[64];
  pcre2_config(PCRE2_CONFIG_UNICODE_VERSION, version);
  return version;
}

const CharacterTable& character_table() {
  static const CharacterTable table = [] {
    CharacterTable bits(0x110000);
    std::string all;
    for (char32_t c = 0; c < 0x110000; ++c)
      if (c < 0xD800 || c > 0xDFFF) all += to_utf8(c);
    const auto mark = [&](const std::string& expression, CharacterBits bit) {
      const CompiledPattern compiled(expression);
      Match match(compiled);
      for (size_t at = 0;;) {
        const auto [begin, end] = match.find(all, at);
        if (begin == std::string_view::npos) break;
        for (at = begin; at < end;) {
          const CodePoint c = code_point_at(all, at);
          bits[c.value] |= bit;
          at += c.length;
        }
      }
    };
    mark(R"(\p{L}+)", kLetter);
    mark(R"(\p{N}+)", kNumber);
    mark(R"(\s+)", kSpace);
    mark(R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)", kWordHead);
    mark(R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]+)", kWordTail);
    return bits;
  }();
  return table;
}

}  // namespace causeway
