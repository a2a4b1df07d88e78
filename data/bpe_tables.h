// A byte-level vocabulary made ready to encode with: ids of tokens, of bytes, and rules of merging.
// Read next: bpe_tables.cpp, bpe_encode.h.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "data/bpe.h"
#include "data/bpe_rules.h"
#include "data/bytes_map.h"

namespace causeway {

/// Ids of what has bytes: added tokens are not here.
class IdOfBytes {
 public:
  /// −1, or the id of a token with the same bytes, which stays.
  int32_t add(std::string_view bytes, int32_t id) {
    const uint32_t number = numbers_.find_or_add(bytes);
    if (number < ids_.size()) return ids_[number];
    ids_.push_back(id);
    return -1;
  }
  /// −1: no token has these bytes.
  int32_t find(std::string_view bytes) const {
    const uint32_t number = numbers_.find(bytes);
    return number == BytesMap::kNone ? -1 : ids_[number];
  }

 private:
  BytesMap numbers_;
  std::vector<int32_t> ids_;
};

struct BpeTables {
  IdOfBytes id_of;
  std::array<int32_t, 256> id_of_byte{};
  BpeRules rules;
  WholePieces whole_pieces;
};

/// Throws tokenizer.corrupt.
BpeTables make_bpe_tables(const BpeVocab& vocab, const std::string& where);

}  // namespace causeway
