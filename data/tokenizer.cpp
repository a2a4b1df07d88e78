// Byte and char tokenizers, and what all tokenizers share. Read next: score_bpe.cpp.
#include "data/tokenizer.h"

#include <algorithm>

#include "core/error.h"
#include "core/hash.h"
#include "data/tokenizer_json.h"
#include "data/utf8.h"

namespace causeway {

namespace {

class ByteTokenizer final : public Tokenizer {
 public:
  explicit ByteTokenizer(EndOfText end) : has_end_(end == EndOfText::Yes) {}

  TokenizerKind kind() const override { return TokenizerKind::Byte; }
  int64_t vocab_size() const override { return has_end_ ? 257 : 256; }

  std::vector<int32_t> encode(std::string_view text, const TextOrigin&) const override {
    std::vector<int32_t> ids(text.size());
    std::transform(text.begin(), text.end(), ids.begin(),
                   [](char c) { return static_cast<unsigned char>(c); });
    return ids;
  }

  size_t cut_before(std::string_view, size_t limit) const override { return limit; }

  std::string decode(int32_t id, std::optional<int32_t>) const override {
    CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
    return id < 256 ? std::string(1, static_cast<char>(id)) : std::string();
  }

  std::optional<int32_t> end_of_text() const override {
    return has_end_ ? std::optional(256) : std::nullopt;
  }
  std::optional<int32_t> bos() const override { return {}; }
  std::string to_json() const override { return byte_tokenizer_json(end_of_text()); }

 private:
  bool has_end_;
};

class CharTokenizer final : public Tokenizer {
 public:
  CharTokenizer(std::vector<char32_t> alphabet, EndOfText end)
      : alphabet_(std::move(alphabet)), has_end_(end == EndOfText::Yes) {
    std::sort(alphabet_.begin(), alphabet_.end());
    alphabet_.erase(std::unique(alphabet_.begin(), alphabet_.end()), alphabet_.end());
    CHECK(!alphabet_.empty(), "char tokenizer without characters");
    id_of_.assign(alphabet_.back() + 1, -1);
    for (size_t i = 0; i < alphabet_.size(); ++i) id_of_[alphabet_[i]] = static_cast<int32_t>(i);
  }

  TokenizerKind kind() const override { return TokenizerKind::Char; }
  int64_t vocab_size() const override { return characters() + (has_end_ ? 1 : 0); }

  std::vector<int32_t> encode(std::string_view text, const TextOrigin& origin) const override {
    std::vector<int32_t> ids;
    ids.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      const int32_t id = c.length > 0 && c.value < id_of_.size() ? id_of_[c.value] : -1;
      if (id < 0) refuse(c, origin, origin.offset + at);
      ids.push_back(id);
      at += c.length;
    }
    return ids;
  }

  size_t cut_before(std::string_view text, size_t limit) const override {
    return code_point_border(text, limit);
  }

  std::string decode(int32_t id, std::optional<int32_t>) const override {
    CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
    return id < characters() ? to_utf8(alphabet_[static_cast<size_t>(id)]) : std::string();
  }

  std::optional<int32_t> end_of_text() const override {
    return has_end_ ? std::optional(static_cast<int32_t>(characters())) : std::nullopt;
  }
  std::optional<int32_t> bos() const override { return {}; }
  std::string to_json() const override { return char_tokenizer_json(alphabet_, end_of_text()); }

 private:
  int64_t characters() const { return static_cast<int64_t>(alphabet_.size()); }

  [[noreturn]] void refuse(const CodePoint& c, const TextOrigin& origin, size_t at) const {
    if (c.length == 0)
      throw Error({.id = "tokenizer.invalid_utf8",
                   .where = origin.where,
                   .what = fmt::format("no valid UTF-8 at byte {}", at),
                   .remedy = "convert it (iconv -f ENCODING -t UTF-8), or use the byte tokenizer"});
    throw Error({.id = "tokenizer.unknown_character",
                 .where = origin.where,
                 .what = fmt::format("character {} at byte {} is not among the {} characters this "
                                     "tokenizer knows",
                                     describe(c.value), at, characters()),
                 .remedy = "leave it out, prepare the data anew from a text that contains it, or "
                           "use the byte tokenizer"});
  }

  std::vector<char32_t> alphabet_;  // by id
  std::vector<int32_t> id_of_;      // by code point, -1: not in the alphabet
  bool has_end_;
};

}  // namespace

std::string_view tokenizer_kind_name(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::Byte:
      return "byte";
    case TokenizerKind::Char:
      return "char";
    case TokenizerKind::ScoreBpe:
      return "score_bpe";
    case TokenizerKind::Bpe:
      return "bpe";
  }
  return "?";
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  std::optional<int32_t> previous;
  for (const int32_t id : ids) {
    text += decode(id, previous);
    previous = id;
  }
  return text;
}

std::vector<int32_t> Tokenizer::encode_special(std::string_view text,
                                               const TextOrigin& origin) const {
  std::vector<int32_t> ids;
  AddedTokenFinder(special_tokens())
      .visit(
          text,
          [&](std::string_view part) {
            const auto begin = static_cast<size_t>(part.data() - text.data());
            const std::vector<int32_t> more = encode(part, {origin.where, origin.offset + begin});
            ids.insert(ids.end(), more.begin(), more.end());
          },
          [&](int32_t id) { ids.push_back(id); });
  return ids;
}

void check_vocabulary(const Tokenizer& tokenizer, int64_t vocab_size, const std::string& where) {
  if (tokenizer.vocab_size() <= vocab_size) return;
  throw Error({.id = "tokenizer.vocab_mismatch",
               .where = where,
               .what = fmt::format("the {} tokenizer has {} ids, the model {}",
                                   tokenizer_kind_name(tokenizer.kind()), tokenizer.vocab_size(),
                                   vocab_size),
               .remedy = "use the tokenizer.json that lies beside the model's weights"});
}

void check_text_length(std::string_view text, const TextOrigin& origin) {
  if (text.size() <= kLongestText) return;
  throw Error({.id = "tokenizer.text_too_long",
               .where = origin.where,
               .what = fmt::format("a document of {} bytes; this tokenizer takes {} at once",
                                   text.size(), kLongestText),
               .remedy = "make a folder of smaller files, one per document"});
}

std::string Tokenizer::hash() const { return hash_hex(to_json()); }

std::unique_ptr<Tokenizer> make_byte_tokenizer(EndOfText end_of_text) {
  return std::make_unique<ByteTokenizer>(end_of_text);
}

std::unique_ptr<Tokenizer> make_char_tokenizer(std::vector<char32_t> alphabet,
                                               EndOfText end_of_text) {
  return std::make_unique<CharTokenizer>(std::move(alphabet), end_of_text);
}

}  // namespace causeway
