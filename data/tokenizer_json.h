// Tokenizers as Hugging Face tokenizer.json files. Everything is written as model "BPE": byte and
// char as BPE without merges, whose tokens are then single characters; llama2.c's as sentencepiece
// models are written, with byte fallback. Read next: tokenizer_json.cpp, bpe_json.h.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/added_tokens.h"
#include "data/score_bpe.h"

namespace causeway {

std::string byte_tokenizer_json(std::optional<int32_t> end_of_text);
std::string char_tokenizer_json(const std::vector<char32_t>& alphabet,
                                std::optional<int32_t> end_of_text);
std::string score_bpe_json(const ScoreBpeVocab& vocab);

// The parts of the format that all kinds share.
Json tokenizer_file_json(Json added_tokens, Json normalizer, Json pre_tokenizer,
                         Json post_processor, Json decoder, Json model);
Json added_token_json(const AddedToken& token);
enum class ByteFallback : bool { No, Yes };
Json bpe_model_json(Json vocab, Json merges, ByteFallback fallback);
/// vocab[name] = id, for a name that is new.
void append_token(Json& vocab, std::string name, size_t id);

/// How the format spells byte `b` of a byte-level vocabulary: printable Latin-1 as it is, the
/// others as U+0100, U+0101, ... in their order (GPT-2's table).
char32_t byte_level_character(int b);

/// `text` with every `from` replaced.
std::string replaced(std::string_view text, std::string_view from, std::string_view to);

/// The format's space in sentencepiece-like vocabularies, U+2581.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";
inline constexpr std::string_view kEndOfTextName = "<|endoftext|>";

}  // namespace causeway
