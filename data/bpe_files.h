// Byte-level BPE in other people's formats, read only. Read next: load_tokenizer.cpp, bpe_json.h.
#pragma once
#include <filesystem>
#include <memory>

#include "data/tokenizer.h"

namespace causeway {

/// GPT-2's pair of files: names with ids (encoder.json, vocab.json) and merges (vocab.bpe,
/// merges.txt). <|endoftext|> is special. Throws tokenizer.corrupt, data.missing.
std::unique_ptr<Tokenizer> load_gpt2_files(const std::filesystem::path& vocab,
                                           const std::filesystem::path& merges);

/// tiktoken's rank file: lines of "BASE64 RANK". It holds neither pattern nor special tokens, so
/// its name must say whose it is: gpt2, r50k, p50k, cl100k or o200k. Throws tokenizer.corrupt with
/// the line, tokenizer.unknown_encoding.
std::unique_ptr<Tokenizer> load_tiktoken(const std::filesystem::path& path);

}  // namespace causeway
