// See bpe_tables.h.
#include "data/bpe_tables.h"

#include <algorithm>

#include "core/error.h"
#include "data/tokenizer_json.h"

namespace causeway {

namespace {

IdOfBytes ids_of(const BpeVocab& vocab, const std::string& where) {
  IdOfBytes id_of;
  for (size_t id = 0; id < vocab.tokens.size(); ++id) {
    if (vocab.tokens[id].empty()) continue;
    const int32_t other = id_of.add(vocab.tokens[id], static_cast<int32_t>(id));
    if (other >= 0)
      throw_corrupt_bpe(where, fmt::format("tokens {} and {} have the same bytes", other, id));
  }
  return id_of;
}

std::array<int32_t, 256> byte_ids(const IdOfBytes& id_of, const std::string& where) {
  std::array<int32_t, 256> ids{};
  for (size_t b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    ids[b] = id_of.find(std::string_view(&byte, 1));
    if (ids[b] < 0)
      throw_corrupt_bpe(where,
                        fmt::format("byte 0x{:02X} has no token, so not every text has ids", b));
  }
  return ids;
}

BpeRules rules_of(const BpeVocab& vocab, const IdOfBytes& id_of, const std::string& where) {
  if (std::max(vocab.tokens.size(), vocab.merges.size()) > static_cast<size_t>(kMostBpeTokens))
    throw_corrupt_bpe(where, fmt::format("{} tokens and {} merges, more than {}",
                                         vocab.tokens.size(), vocab.merges.size(), kMostBpeTokens));
  BpeRules rules(vocab.merges.size());
  const auto token = [&](int32_t id, size_t rank) -> const std::string& {
    const bool known = id >= 0 && static_cast<size_t>(id) < vocab.tokens.size();
    if (!known || vocab.tokens[static_cast<size_t>(id)].empty())
      throw_corrupt_bpe(where,
                        fmt::format("merge {} is of token {}, which is not there", rank, id));
    return vocab.tokens[static_cast<size_t>(id)];
  };
  for (size_t rank = 0; rank < vocab.merges.size(); ++rank) {
    const auto [left, right] = vocab.merges[rank];
    const int32_t made = id_of.find(token(left, rank) + token(right, rank));
    if (made < 0)
      throw_corrupt_bpe(
          where, fmt::format("merge {}, of tokens {} and {}, makes no token", rank, left, right));
    rules.add(left, right, made);
  }
  return rules;
}

}  // namespace

BpeTables make_bpe_tables(const BpeVocab& vocab, const std::string& where) {
  IdOfBytes id_of = ids_of(vocab, where);
  const std::array<int32_t, 256> id_of_byte = byte_ids(id_of, where);
  BpeRules rules = rules_of(vocab, id_of, where);
  return {std::move(id_of), id_of_byte, std::move(rules), vocab.whole_pieces};
}

std::vector<std::pair<int32_t, int32_t>> merges_of_ranks(const std::vector<std::string>& tokens) {
  IdOfBytes id_of;
  for (size_t id = 0; id < tokens.size(); ++id) id_of.add(tokens[id], static_cast<int32_t>(id));
  BpeRules rules(tokens.size());
  std::vector<std::pair<int32_t, int32_t>> merges;
  constexpr int32_t kNoByte = -2;  // −1 marks what merging has used up
  std::vector<int32_t> parts;
  for (size_t id = 0; id < tokens.size(); ++id) {
    parts.clear();
    for (const char& byte : tokens[id]) {
      const int32_t part = id_of.find(std::string_view(&byte, 1));
      parts.push_back(part < 0 ? kNoByte : part);
    }
    merge_long(parts, rules);
    if (parts.size() != 2 || std::min(parts[0], parts[1]) < 0) continue;
    rules.add(parts[0], parts[1], static_cast<int32_t>(id));
    merges.emplace_back(parts[0], parts[1]);
  }
  return merges;
}

std::vector<unsigned char> byte_level_order() {
  std::vector<unsigned char> order(256);
  for (size_t b = 0; b < 256; ++b) order[b] = static_cast<unsigned char>(b);
  std::sort(order.begin(), order.end(), [](unsigned char a, unsigned char b) {
    return byte_level_character(a) < byte_level_character(b);
  });
  return order;
}

}  // namespace causeway
