// See bpe.h.
#include "data/bpe.h"

#include <algorithm>
#include <mutex>

#include "core/error.h"
#include "data/bpe_encode.h"
#include "data/bpe_json.h"

namespace causeway {

namespace {

/// Added tokens of one kind.
std::vector<AddedToken> added_of(const BpeVocab& vocab, bool special) {
  std::vector<AddedToken> tokens;
  std::copy_if(vocab.added.begin(), vocab.added.end(), std::back_inserter(tokens),
               [special](const AddedToken& token) { return token.special == special; });
  return tokens;
}

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(BpeVocab vocab, const std::string& where)
      : vocab_(std::move(vocab)),
        tables_(make_bpe_tables(vocab_, where)),
        splitter_(vocab_.pattern),
        in_text_(added_of(vocab_, false)) {
    for (const AddedToken& token : vocab_.added) {
      const auto id = static_cast<size_t>(token.id);
      if (token.name.empty() || token.id < 0 || id >= vocab_.tokens.size() ||
          !vocab_.tokens[id].empty())
        throw_corrupt_bpe(where, fmt::format("added token \"{}\" has id {}", token.name, token.id));
      vocab_.tokens[id] = token.special ? std::string() : token.name;
    }
  }

  TokenizerKind kind() const override { return TokenizerKind::Bpe; }
  int64_t vocab_size() const override { return static_cast<int64_t>(vocab_.tokens.size()); }
  std::optional<int32_t> bos() const override { return {}; }
  std::string to_json() const override { return bpe_json(vocab_); }
  std::vector<AddedToken> special_tokens() const override { return added_of(vocab_, true); }

  std::vector<std::pair<std::string, std::string>> details() const override {
    const std::string in_force = unicode_version();
    const bool same = vocab_.unicode.empty() || vocab_.unicode == in_force;
    std::string special;
    for (const AddedToken& token : special_tokens())
      special += fmt::format("{}{} {}", special.empty() ? "" : ", ", token.name, token.id);
    return {{"pattern", splitter_.name().empty() ? splitter_.expression() : splitter_.name()},
            {"merges", std::to_string(vocab_.merges.size())},
            {"special", special.empty() ? "none" : special},
            {"unicode", same ? in_force : fmt::format("{}, here {}", vocab_.unicode, in_force)}};
  }

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
    std::unique_ptr<BpeWorkshop> workshop = borrow();
    std::vector<int32_t> ids;
    ids.reserve(text.size() / 3);
    in_text_.visit(
        text, [&](std::string_view part) { workshop->encode(tables_, splitter_, part, ids); },
        [&](int32_t id) { ids.push_back(id); });
    give_back(std::move(workshop));
    return ids;
  }

  std::string decode(int32_t id, std::optional<int32_t>) const override {
    CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
    return vocab_.tokens[static_cast<size_t>(id)];
  }

 private:
  std::unique_ptr<BpeWorkshop> borrow() const {
    const std::scoped_lock lock(mutex_);
    if (idle_.empty()) return std::make_unique<BpeWorkshop>();
    std::unique_ptr<BpeWorkshop> workshop = std::move(idle_.back());
    idle_.pop_back();
    return workshop;
  }

  void give_back(std::unique_ptr<BpeWorkshop> workshop) const {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(workshop));
  }

  BpeVocab vocab_;
  BpeTables tables_;
  Splitter splitter_;
  AddedTokenFinder in_text_;  // those that are not special
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<BpeWorkshop>> idle_;
};

}  // namespace

void throw_corrupt_bpe(const std::string& where, const std::string& what) {
  throw Error({.id = "tokenizer.corrupt",
               .where = where,
               .what = what,
               .remedy = "take the file from the place it was made in once more"});
}

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeVocab vocab, const std::string& where) {
  return std::make_unique<BpeTokenizer>(std::move(vocab), where);
}

}  // namespace causeway
