// See bpe_train.h.
#include "data/bpe_train.h"

#include <algorithm>
#include <array>
#include <optional>
#include <queue>
#include <span>
#include <tuple>
#include <unordered_map>

#include "core/error.h"
#include "data/bpe_rules.h"

namespace causeway {

namespace {

using Pair = std::pair<int32_t, int32_t>;

uint64_t key_of(Pair pair) {
  return static_cast<uint64_t>(static_cast<uint32_t>(pair.first)) << 32 |
         static_cast<uint32_t>(pair.second);
}
Pair pair_of(uint64_t key) { return {static_cast<int32_t>(key >> 32), static_cast<int32_t>(key)}; }

struct KeyHash {
  size_t operator()(uint64_t key) const {
    const uint64_t mixed = key * 0x9E3779B97F4A7C15u;
    return mixed ^ mixed >> 32;
  }
};

/// A pair: how often it stands somewhere now, and the words it was ever seen in.
struct PairState {
  int64_t count = 0;
  std::vector<uint32_t> words;
};

/// A pair with the count it had when it was queued; the true count may be lower by now.
struct Queued {
  int64_t count;
  uint64_t key;
};

/// Words as ids, one behind the other; a word that shrinks leaves a gap behind itself.
class Words {
 public:
  Words(const WordCounts& words, const std::array<int32_t, 256>& id_of_byte) {
    begins_.reserve(words.size());
    ids_.reserve(words.bytes());
    for (size_t i = 0; i < words.size(); ++i) {
      begins_.push_back(ids_.size());
      lengths_.push_back(static_cast<uint32_t>(words.word(i).size()));
      for (const char c : words.word(i)) ids_.push_back(id_of_byte[static_cast<unsigned char>(c)]);
    }
  }
  size_t size() const { return begins_.size(); }
  std::span<int32_t> operator[](size_t i) {
    return std::span<int32_t>(ids_).subspan(begins_[i], lengths_[i]);
  }
  void shorten(size_t i, size_t length) { lengths_[i] = static_cast<uint32_t>(length); }

 private:
  std::vector<int32_t> ids_;
  std::vector<size_t> begins_;
  std::vector<uint32_t> lengths_;
};

class Trainer {
 public:
  Trainer(const WordCounts& counts, const BpeTrainOptions& options)
      : counts_(counts), options_(options), queue_(Later{this}) {
    std::array<int32_t, 256> id_of_byte{};
    for (const unsigned char byte : byte_level_order()) {
      id_of_byte[byte] = static_cast<int32_t>(vocab_.tokens.size());
      vocab_.tokens.emplace_back(1, static_cast<char>(byte));
      id_of_.emplace(vocab_.tokens.back(), id_of_byte[byte]);
    }
    words_.emplace(counts, id_of_byte);
    for (size_t i = 0; i < words_->size(); ++i) {
      const std::span<const int32_t> word = (*words_)[i];
      for (size_t k = 0; k + 1 < word.size(); ++k) change({word[k], word[k + 1]}, i, +1);
    }
    queue_new_pairs();
  }

  /// Merges the best pair; false: none is frequent enough.
  bool step() {
    while (!queue_.empty()) {
      const Queued best = queue_.top();
      queue_.pop();
      const auto found = pairs_.find(best.key);
      if (found == pairs_.end()) continue;  // queued twice, and merged meanwhile
      const int64_t count = found->second.count;
      if (count < options_.min_count) continue;
      if (count == best.count) {
        merge(best.key);
        return true;
      }
      queue_.push({count, best.key});
    }
    return false;
  }

  size_t tokens() const { return vocab_.tokens.size(); }

  BpeVocab finish() {
    vocab_.pattern = options_.pattern;
    for (const std::string& name : options_.special) {
      vocab_.added.push_back({name, static_cast<int32_t>(vocab_.tokens.size())});
      vocab_.tokens.emplace_back();
    }
    return std::move(vocab_);
  }

 private:
  /// The queue gives the greatest: by count, then by the rule for ties.
  struct Later {
    const Trainer* trainer;
    bool operator()(const Queued& a, const Queued& b) const {
      if (a.count != b.count) return a.count < b.count;
      if (trainer->options_.ties == TieRule::SmallestIds) return a.key > b.key;
      const auto bytes = [this](uint64_t key) {
        const auto [left, right] = pair_of(key);
        const auto& tokens = trainer->vocab_.tokens;
        return std::tie(tokens[static_cast<size_t>(left)], tokens[static_cast<size_t>(right)]);
      };
      return bytes(a.key) < bytes(b.key);
    }
  };

  /// Counts one more or one fewer of a pair in word i.
  void change(Pair pair, size_t i, int sign) {
    const auto [entry, fresh] = pairs_.try_emplace(key_of(pair));
    PairState& state = entry->second;
    // The queue knows a count that is too high, never one that is too low.
    if (fresh || (sign > 0 && token_reused_)) new_pairs_.push_back(entry->first);
    state.count += sign * counts_.count(i);
    const auto word = static_cast<uint32_t>(i);
    if (sign > 0 && (state.words.empty() || state.words.back() != word))
      state.words.push_back(word);
  }

  void queue_new_pairs() {
    for (const uint64_t key : new_pairs_)
      if (const int64_t count = pairs_.at(key).count; count >= options_.min_count)
        queue_.push({count, key});
    new_pairs_.clear();
  }

  void merge(uint64_t key) {
    const auto [left, right] = pair_of(key);
    std::string bytes = vocab_.tokens[static_cast<size_t>(left)];
    bytes += vocab_.tokens[static_cast<size_t>(right)];
    // Two pairs may spell one token; then both make it.
    const auto [entry, fresh] = id_of_.emplace(bytes, static_cast<int32_t>(vocab_.tokens.size()));
    token_reused_ = !fresh;
    if (fresh) vocab_.tokens.push_back(std::move(bytes));
    vocab_.merges.emplace_back(left, right);
    const std::vector<uint32_t> where = std::move(pairs_.at(key).words);
    for (const uint32_t word : where) merge_in_word(word, left, right, entry->second);
    pairs_.erase(key);
    queue_new_pairs();
  }

  /// Replaces left right by `made`, from left to right, and moves the counts of the neighbours.
  void merge_in_word(size_t i, int32_t left, int32_t right, int32_t made) {
    const std::span<int32_t> word = (*words_)[i];
    size_t to = 0;
    for (size_t from = 0; from < word.size();) {
      const bool here = from + 1 < word.size() && word[from] == left && word[from + 1] == right;
      if (!here) {
        word[to++] = word[from++];
        continue;
      }
      if (to > 0) {
        change({word[to - 1], left}, i, -1);
        change({word[to - 1], made}, i, +1);
      }
      from += 2;
      if (from < word.size()) {
        change({right, word[from]}, i, -1);
        change({made, word[from]}, i, +1);
      }
      word[to++] = made;
    }
    words_->shorten(i, to);
  }

  const WordCounts& counts_;
  const BpeTrainOptions& options_;
  BpeVocab vocab_;
  std::unordered_map<std::string, int32_t> id_of_;
  std::optional<Words> words_;
  std::unordered_map<uint64_t, PairState, KeyHash> pairs_;
  std::vector<uint64_t> new_pairs_;  // to be queued at the end of this step
  bool token_reused_ = false;        // this step's pair spells a token that was there
  std::priority_queue<Queued, std::vector<Queued>, Later> queue_;
};

}  // namespace

void check_options(const BpeTrainOptions& options) {
  const auto fixed = static_cast<int64_t>(256 + options.special.size());
  if (options.vocab_size < fixed || options.vocab_size > kMostBpeTokens)
    throw Error({.id = "usage.vocab_size",
                 .where = "",
                 .what = fmt::format("a vocabulary of {} was asked for", options.vocab_size),
                 .remedy = fmt::format("256 bytes and {} special tokens are {}; 32768 is usual",
                                       options.special.size(), fixed)});
  std::vector<std::string> names = options.special;
  std::sort(names.begin(), names.end());
  const bool twice = std::adjacent_find(names.begin(), names.end()) != names.end();
  if (!twice && (names.empty() || !names.front().empty())) return;
  throw Error({.id = "usage.special_tokens",
               .where = "",
               .what = twice ? "a special token is there twice" : "a special token has no name",
               .remedy = "give each name once, e.g. --special \"<|endoftext|>\""});
}

BpeVocab train_bpe(const WordCounts& words, const BpeTrainOptions& options,
                   const std::function<bool(int64_t)>& progress) {
  constexpr int64_t kBetweenReports = 256;
  check_options(options);
  Trainer trainer(words, options);
  const auto most = static_cast<size_t>(options.vocab_size) - options.special.size();
  for (int64_t merges = 0; trainer.tokens() < most && trainer.step(); ++merges)
    if (progress && merges % kBetweenReports == 0 && !progress(merges)) break;
  return trainer.finish();
}

}  // namespace causeway
