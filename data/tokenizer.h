// Text to token ids and back. A tokenizer is built from a text (char), from nothing (byte) or read
// from a file: tokenizer.json (Hugging Face) or tokenizer.bin (llama2.c).
// Read next: tokenizer.cpp (byte and char), score_bpe.cpp (llama2.c), tokenizer_json.cpp.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace causeway {

enum class TokenizerKind : uint8_t {
  Byte,      ///< one token per byte
  Char,      ///< one token per Unicode character of a corpus
  ScoreBpe,  ///< sentencepiece-like BPE: pairs merged by score, bytes as a fallback
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

  /// Ids of `text`, without BOS and end of text: whoever wants them adds them.
  /// Throws tokenizer.unknown_character, tokenizer.invalid_utf8 (char only), with the place.
  virtual std::vector<int32_t> encode(std::string_view text,
                                      const TextOrigin& origin = TextOrigin()) const = 0;

  /// The bytes of one token, not always whole characters (see Utf8Stream); "" for control tokens.
  /// `previous` is the token before it: llama2.c drops the space that begins a text after BOS.
  virtual std::string decode(int32_t id, std::optional<int32_t> previous = {}) const = 0;
  std::string decode(std::span<const int32_t> ids) const;

  /// The token in front of each document; generation stops when it comes. llama2.c's is its BOS.
  virtual std::optional<int32_t> end_of_text() const = 0;
  /// The token every text begins with, where the tokenizer has one.
  virtual std::optional<int32_t> bos() const = 0;

  /// As a Hugging Face tokenizer.json that gives the same ids.
  virtual std::string to_json() const = 0;
  /// Same hash, same ids: of to_json().
  std::string hash() const;
};

std::unique_ptr<Tokenizer> make_byte_tokenizer(EndOfText end_of_text);

/// `alphabet`: Unicode code points, sorted here, doubles removed; ids in that order.
std::unique_ptr<Tokenizer> make_char_tokenizer(std::vector<char32_t> alphabet,
                                               EndOfText end_of_text);

/// llama2.c's tokenizer.bin: max token length, then (f32 score, i32 length, bytes) per token.
/// Throws tokenizer.corrupt.
std::unique_ptr<Tokenizer> load_llama2c_tokenizer(const std::filesystem::path& path);

/// A tokenizer.json as to_json() writes it. Throws tokenizer.corrupt, tokenizer.unsupported.
std::unique_ptr<Tokenizer> parse_tokenizer_json(std::string_view json, const std::string& where);

/// A tokenizer file, or a folder (dataset, checkpoint) that holds one.
/// Throws tokenizer.missing, tokenizer.corrupt, tokenizer.unsupported.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace causeway
