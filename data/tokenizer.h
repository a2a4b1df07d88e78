// Text to token ids and back. A tokenizer is built from a text (char), from nothing (byte) or read
// from a file of one of the formats of load_tokenizer(); docs/tokenizers.md compares them.
// Read next: tokenizer.cpp (byte and char), bpe.h (GPT-2 and after), score_bpe.h (llama2.c).
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/added_tokens.h"

namespace causeway {

enum class TokenizerKind : uint8_t {
  Byte,      ///< one token per byte
  Char,      ///< one token per Unicode character of a corpus
  ScoreBpe,  ///< sentencepiece-like BPE: pairs merged by score, bytes as a fallback
  Bpe,       ///< byte-level BPE, as GPT-2's
};
std::string_view tokenizer_kind_name(TokenizerKind kind);

/// Whether a byte or char tokenizer has the extra token <|endoftext|>, as its last id.
enum class EndOfText : uint8_t { No, Yes };

/// Where a text comes from, for messages: a file, and the offset of text[0] in it.
struct TextOrigin {
  std::string where = "text";
  size_t offset = 0;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual TokenizerKind kind() const = 0;
  virtual int64_t vocab_size() const = 0;

  /// Ids of `text`, without BOS and end of text: whoever wants them adds them. The name of a
  /// special token in the text is text. Safe to call from several threads. Throws
  /// tokenizer.unknown_character, tokenizer.invalid_utf8 (char only), with the place.
  virtual std::vector<int32_t> encode(std::string_view text,
                                      const TextOrigin& origin = TextOrigin()) const = 0;

  /// The same, but the names of special tokens become these tokens: for prompts, not for data.
  std::vector<int32_t> encode_special(std::string_view text,
                                      const TextOrigin& origin = TextOrigin()) const;
  virtual std::vector<AddedToken> special_tokens() const { return {}; }

  /// The greatest offset ≤ limit (< text.size()) where `text` may be cut so that the ids of both
  /// parts are those of the whole, or 0 where none is known.
  virtual size_t cut_before(std::string_view text, size_t limit) const = 0;

  /// The bytes of one token, not always whole characters (see Utf8Stream); "" for control tokens.
  /// `previous` is the token before it: llama2.c drops the space that begins a text after BOS.
  virtual std::string decode(int32_t id, std::optional<int32_t> previous = {}) const = 0;
  std::string decode(std::span<const int32_t> ids) const;

  /// The token in front of each document; generation stops when it comes. llama2.c's is its BOS.
  virtual std::optional<int32_t> end_of_text() const = 0;
  /// The token every text begins with, where the tokenizer has one.
  virtual std::optional<int32_t> bos() const = 0;

  /// What else a person may want to know, as names and values.
  virtual std::vector<std::pair<std::string, std::string>> details() const { return {}; }

  /// As a Hugging Face tokenizer.json that gives the same ids.
  virtual std::string to_json() const = 0;
  /// Same hash, same ids: of to_json().
  std::string hash() const;
};

/// Throws tokenizer.vocab_mismatch where a model of `vocab_size` rows lacks some of the tokenizer's
/// ids. `where` names both.
void check_vocabulary(const Tokenizer& tokenizer, int64_t vocab_size, const std::string& where);

/// The longest text that tokens may be merged in: some 40 bytes of memory for each of it.
constexpr size_t kLongestText = size_t{1} << 30;
/// Throws tokenizer.text_too_long.
void check_text_length(std::string_view text, const TextOrigin& origin);

std::unique_ptr<Tokenizer> make_byte_tokenizer(EndOfText end_of_text);

/// `alphabet`: Unicode code points, sorted here, doubles removed; ids in that order.
std::unique_ptr<Tokenizer> make_char_tokenizer(std::vector<char32_t> alphabet,
                                               EndOfText end_of_text);

/// llama2.c's tokenizer.bin: max token length, then (f32 score, i32 length, bytes) per token.
/// Throws tokenizer.corrupt.
std::unique_ptr<Tokenizer> load_llama2c_tokenizer(const std::filesystem::path& path);

/// A tokenizer.json as to_json() writes it, or another's of these kinds.
/// Throws tokenizer.corrupt, tokenizer.unsupported.
std::unique_ptr<Tokenizer> parse_tokenizer_json(std::string_view json, const std::string& where);

/// A tokenizer file, or a folder (data set, checkpoint) that holds one: tokenizer.json, llama2.c's
/// tokenizer.bin, GPT-2's encoder.json + vocab.bpe or vocab.json + merges.txt, or a rank file of
/// tiktoken that is named after its encoding (cl100k_base.tiktoken).
/// Throws tokenizer.missing, tokenizer.corrupt, tokenizer.unsupported.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace causeway
