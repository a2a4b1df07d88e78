// Text to ids of byte-level BPE, word by word: short words from a table, others from a longer
// memory, new ones merged. Read next: bpe_encode.cpp, short_words.h, bytes_map.h.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/bpe_tables.h"
#include "data/bytes_map.h"
#include "data/short_words.h"
#include "data/splitter.h"

namespace causeway {

/// What one thread keeps between texts. It remembers words of one vocabulary: never give it tables
/// of another.
class BpeWorkshop {
 public:
  /// Appends the ids of `text` to `ids`.
  void encode(const BpeTables& tables, const Splitter& splitter, std::string_view text,
              std::vector<int32_t>& ids);

 private:
  /// The ids of a piece; valid until the next call.
  std::span<const int32_t> ids_of(const BpeTables& tables, std::string_view piece);
  /// The same without memory, into merged_.
  void merge(const BpeTables& tables, std::string_view piece);
  void make_room();

  ShortWords short_words_;
  BytesMap words_;
  std::vector<uint32_t> ends_;  // by number of word: where its ids end in word_ids_
  std::vector<int32_t> word_ids_;
  std::vector<uint32_t> pieces_;
  std::vector<int32_t> merged_;
  std::vector<MergeRule> rules_;
};

}  // namespace causeway
