// See bpe.h.
#include "data/bpe.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>

#include "core/error.h"
#include "data/bpe_json.h"
#include "data/bpe_rules.h"
#include "data/bytes_map.h"
#include "data/splitter.h"
#include "data/tokenizer_json.h"

namespace causeway {

namespace {

[[noreturn]] void corrupt(const std::string& where, const std::string& what) {
  throw Error({.id = "tokenizer.corrupt",
               .where = where,
               .what = what,
               .remedy = "take the file from the place it was made in once more"});
}

using IdOf = std::unordered_map<std::string_view, int32_t>;

IdOf ids_of(const BpeVocab& vocab, const std::string& where) {
  IdOf id_of;
  id_of.reserve(vocab.tokens.size());
  for (size_t id = 0; id < vocab.tokens.size(); ++id) {
    if (vocab.tokens[id].empty()) continue;
    const auto [other, fresh] = id_of.emplace(vocab.tokens[id], static_cast<int32_t>(id));
    if (!fresh)
      corrupt(where, fmt::format("tokens {} and {} have the same bytes", other->second, id));
  }
  return id_of;
}

std::array<int32_t, 256> byte_ids(const IdOf& id_of, const std::string& where) {
  std::array<int32_t, 256> ids{};
  for (size_t b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    const auto found = id_of.find(std::string_view(&byte, 1));
    if (found == id_of.end())
      corrupt(where, fmt::format("byte 0x{:02X} has no token, so not every text has ids", b));
    ids[b] = found->second;
  }
  return ids;
}

BpeRules rules_of(const BpeVocab& vocab, const IdOf& id_of, const std::string& where) {
  BpeRules rules(vocab.merges.size());
  const auto token = [&](int32_t id, size_t rank) -> const std::string& {
    const bool known = id >= 0 && static_cast<size_t>(id) < vocab.tokens.size();
    if (!known || vocab.tokens[static_cast<size_t>(id)].empty())
      corrupt(where, fmt::format("merge {} is of token {}, which is not there", rank, id));
    return vocab.tokens[static_cast<size_t>(id)];
  };
  for (size_t rank = 0; rank < vocab.merges.size(); ++rank) {
    const auto [left, right] = vocab.merges[rank];
    const auto made = id_of.find(token(left, rank) + token(right, rank));
    if (made == id_of.end())
      corrupt(where,
              fmt::format("merge {}, of tokens {} and {}, makes no token", rank, left, right));
    rules.add(left, right, {static_cast<int32_t>(rank), made->second});
  }
  return rules;
}

/// Added tokens of one kind.
std::vector<AddedToken> added_of(const BpeVocab& vocab, bool special) {
  std::vector<AddedToken> tokens;
  std::copy_if(vocab.added.begin(), vocab.added.end(), std::back_inserter(tokens),
               [special](const AddedToken& token) { return token.special == special; });
  return tokens;
}

/// What one thread keeps between words: the ids of those it has seen.
struct Workshop {
  static constexpr size_t kMostWords = size_t{1} << 17, kMostBytes = size_t{4} << 20;

  BytesMap words;
  std::vector<uint32_t> ends;  // by word: where its ids end in `ids`
  std::vector<int32_t> ids;
  std::vector<uint32_t> pieces;
  std::vector<int32_t> scratch;
  std::vector<MergeRule> rules;

  void make_room() {
    if (words.size() < kMostWords && words.bytes() < kMostBytes) return;
    words.clear();
    ends.clear();
    ids.clear();
  }
};

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(BpeVocab vocab, const std::string& where)
      : vocab_(std::move(vocab)),
        id_of_(ids_of(vocab_, where)),
        byte_id_(byte_ids(id_of_, where)),
        rules_(rules_of(vocab_, id_of_, where)),
        splitter_(vocab_.pattern),
        in_text_(added_of(vocab_, false)) {
    for (const AddedToken& token : vocab_.added) {
      const auto id = static_cast<size_t>(token.id);
      if (token.name.empty() || token.id < 0 || id >= vocab_.tokens.size() ||
          !vocab_.tokens[id].empty())
        corrupt(where, fmt::format("added token \"{}\" has id {}", token.name, token.id));
      vocab_.tokens[id] = token.special ? std::string() : token.name;
    }
  }

  TokenizerKind kind() const override { return TokenizerKind::Bpe; }
  int64_t vocab_size() const override { return static_cast<int64_t>(vocab_.tokens.size()); }
  std::optional<int32_t> bos() const override { return {}; }
  std::string to_json() const override { return bpe_json(vocab_); }
  std::vector<AddedToken> special_tokens() const override { return added_of(vocab_, true); }

  std::optional<int32_t> end_of_text() const override {
    for (const char* name : {"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>"})
      for (const AddedToken& token : vocab_.added)
        if (token.name == name) return token.id;
    return {};
  }

  size_t cut_before(std::string_view text, size_t limit) const override {
    // A name in the text may have a border inside.
    if (!in_text_.empty()) return limit < text.size() ? 0 : text.size();
    return splitter_.cut_before(text, limit);
  }

  std::vector<int32_t> encode(std::string_view text, const TextOrigin& origin) const override {
    check_text_length(text, origin);
    std::unique_ptr<Workshop> workshop = borrow();
    std::vector<int32_t> ids;
    ids.reserve(text.size() / 3);
    in_text_.visit(
        text, [&](std::string_view part) { append(*workshop, part, ids); },
        [&](int32_t id) { ids.push_back(id); });
    give_back(std::move(workshop));
    return ids;
  }

  std::string decode(int32_t id, std::optional<int32_t>) const override {
    CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
    return vocab_.tokens[static_cast<size_t>(id)];
  }

 private:
  void append(Workshop& shop, std::string_view text, std::vector<int32_t>& ids) const {
    shop.pieces.clear();
    splitter_.split(text, shop.pieces);
    size_t at = 0;
    for (const size_t end : shop.pieces) {
      append_piece(shop, text.substr(at, end - at), ids);
      at = end;
    }
  }

  void append_piece(Workshop& shop, std::string_view piece, std::vector<int32_t>& ids) const {
    constexpr size_t kLongestWord = 64;  // longer ones come once
    if (piece.size() == 1) return ids.push_back(byte_id_[static_cast<unsigned char>(piece[0])]);
    if (piece.size() > kLongestWord) {
      merge(shop, piece);
      ids.insert(ids.end(), shop.scratch.begin(), shop.scratch.end());
      return;
    }
    shop.make_room();
    const uint32_t word = shop.words.find_or_add(piece);
    if (word == shop.ends.size()) {
      merge(shop, piece);
      shop.ids.insert(shop.ids.end(), shop.scratch.begin(), shop.scratch.end());
      shop.ends.push_back(static_cast<uint32_t>(shop.ids.size()));
    }
    for (size_t i = word > 0 ? shop.ends[word - 1] : 0; i < shop.ends[word]; ++i)
      ids.push_back(shop.ids[i]);
  }

  /// The ids of a piece, in shop.scratch.
  void merge(Workshop& shop, std::string_view piece) const {
    constexpr size_t kShort = 100;  // where the queue begins to be faster
    shop.scratch.clear();
    if (vocab_.whole_pieces == WholePieces::Yes) {
      const auto whole = id_of_.find(piece);
      if (whole != id_of_.end()) return shop.scratch.push_back(whole->second);
    }
    for (const char c : piece) shop.scratch.push_back(byte_id_[static_cast<unsigned char>(c)]);
    if (piece.size() <= kShort) {
      merge_short(shop.scratch, shop.rules, rules_);
    } else {
      merge_long(shop.scratch, rules_);
    }
  }

  std::unique_ptr<Workshop> borrow() const {
    const std::scoped_lock lock(mutex_);
    if (idle_.empty()) return std::make_unique<Workshop>();
    std::unique_ptr<Workshop> workshop = std::move(idle_.back());
    idle_.pop_back();
    return workshop;
  }

  void give_back(std::unique_ptr<Workshop> workshop) const {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(workshop));
  }

  BpeVocab vocab_;
  IdOf id_of_;  // its keys lie in vocab_.tokens
  std::array<int32_t, 256> byte_id_;
  BpeRules rules_;
  Splitter splitter_;
  AddedTokenFinder in_text_;  // those that are not special
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workshop>> idle_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeVocab vocab, const std::string& where) {
  return std::make_unique<BpeTokenizer>(std::move(vocab), where);
}

std::vector<std::pair<int32_t, int32_t>> merges_of_ranks(const std::vector<std::string>& tokens) {
  IdOf id_of;
  for (size_t id = 0; id < tokens.size(); ++id) id_of.emplace(tokens[id], static_cast<int32_t>(id));
  BpeRules rules(tokens.size());
  std::vector<std::pair<int32_t, int32_t>> merges;
  std::vector<int32_t> parts;
  for (size_t id = 0; id < tokens.size(); ++id) {
    parts.clear();
    for (size_t i = 0; i < tokens[id].size(); ++i) {
      const auto byte = id_of.find(std::string_view(tokens[id]).substr(i, 1));
      parts.push_back(byte == id_of.end() ? -2 : byte->second);
    }
    merge_long(parts, rules);
    if (parts.size() != 2) continue;
    rules.add(parts[0], parts[1], {static_cast<int32_t>(merges.size()), static_cast<int32_t>(id)});
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
