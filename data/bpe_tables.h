// A byte-level vocabulary made ready to encode with: ids of tokens, of bytes, and rules of merging.
// Read next: bpe_tables.cpp, bpe_encode.h.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <unordered_map>

#include "data/bpe.h"
#include "data/bpe_rules.h"

namespace causeway {

/// Of what has bytes: added tokens are not here. Keys lie in the vocabulary.
using IdOfBytes = std::unordered_map<std::string_view, int32_t>;

struct BpeTables {
  IdOfBytes id_of;
  std::array<int32_t, 256> id_of_byte{};
  BpeRules rules;
  WholePieces whole_pieces;
};

/// `vocab` must outlive the tables. Throws tokenizer.corrupt.
BpeTables make_bpe_tables(const BpeVocab& vocab, const std::string& where);

}  // namespace causeway
