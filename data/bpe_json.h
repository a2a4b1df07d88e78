// Byte-level BPE as Hugging Face's tokenizer.json. Read next: bpe_json.cpp, tokenizer_json.h.
#pragma once
#include <memory>
#include <string>

#include "core/json.h"
#include "data/bpe.h"

namespace causeway {

/// A file that the library loads and that gives the same ids there. Special tokens stand in the
/// vocabulary too: without, the library would number them anew where ids have gaps.
std::string bpe_json(const BpeVocab& vocab);

/// From a file whose model is BPE with merges and whose pieces come from ByteLevel, or from one
/// Split and ByteLevel. Throws tokenizer.corrupt, tokenizer.unsupported naming the part.
std::unique_ptr<Tokenizer> read_bpe_json(const SortedJson& file, const std::string& where);

/// The bytes that a byte-level name stands for ("Ġthe" → " the").
/// Throws tokenizer.corrupt where a character is none of the 256.
std::string bytes_of_name(std::string_view name, const std::string& where);

}  // namespace causeway
