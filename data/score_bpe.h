// The sentencepiece-like BPE of llama2.c: characters, else bytes, then the best pair is merged
// again and again. Read next: score_bpe.cpp; llama2.c's run.c (encode, decode), whose ids these
// are.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "data/tokenizer.h"

namespace causeway {

/// Ids 0, 1, 2 are <unk>, <s>, </s>; 3 ... 258 the bytes <0x00> ... <0xFF>; then pieces of text.
constexpr int32_t kUnknownId = 0, kBosId = 1, kEosId = 2, kFirstByteId = 3, kFirstPieceId = 259;
constexpr int32_t kNeverMerged = std::numeric_limits<int32_t>::max();

struct ScoreBpeVocab {
  std::vector<std::string> pieces;  ///< (V): text of each id, spaces as spaces
  std::vector<int32_t> rank;        ///< (V): pairs that make the lowest rank are merged first
};

/// Throws tokenizer.corrupt where ids 3 ... 258 are not the bytes.
std::unique_ptr<Tokenizer> make_score_bpe_tokenizer(ScoreBpeVocab vocab, const std::string& where);

}  // namespace causeway
