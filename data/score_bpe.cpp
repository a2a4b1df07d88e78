// See score_bpe.h.
#include "data/score_bpe.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "core/file.h"
#include "data/bpe_merge.h"
#include "data/tokenizer_json.h"
#include "data/utf8.h"

namespace causeway {

namespace {

class ScoreBpeTokenizer final : public Tokenizer {
 public:
  explicit ScoreBpeTokenizer(ScoreBpeVocab vocab) : vocab_(std::move(vocab)) {
    for (size_t id = kFirstPieceId; id < vocab_.pieces.size(); ++id)
      id_of_.emplace(vocab_.pieces[id], static_cast<int32_t>(id));
  }

  TokenizerKind kind() const override { return TokenizerKind::ScoreBpe; }
  int64_t vocab_size() const override { return static_cast<int64_t>(vocab_.pieces.size()); }
  std::optional<int32_t> end_of_text() const override { return kBosId; }
  std::optional<int32_t> bos() const override { return kBosId; }
  std::string to_json() const override { return score_bpe_json(vocab_); }

  std::vector<int32_t> encode(std::string_view text, const TextOrigin& origin) const override {
    check_text_length(text, origin);
    std::vector<int32_t> ids = characters(text);
    merge(ids);
    return ids;
  }

  size_t cut_before(std::string_view, size_t) const override { return 0; }

  std::string decode(int32_t id, std::optional<int32_t> previous) const override {
    CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
    if (id < kFirstByteId) return {};
    if (id < kFirstPieceId) return std::string(1, static_cast<char>(id - kFirstByteId));
    const std::string& piece = vocab_.pieces[static_cast<size_t>(id)];
    // encode() puts a space in front of every text; after BOS it goes again.
    const bool dummy_space = previous == kBosId && !piece.empty() && piece[0] == ' ';
    return dummy_space ? piece.substr(1) : piece;
  }

 private:
  /// One id per character, or per byte where a character has no id; a space in front.
  std::vector<int32_t> characters(std::string_view text) const {
    std::vector<int32_t> ids;
    if (text.empty()) return ids;
    ids.reserve(text.size() + 1);
    append(ids, " ");
    for (size_t at = 0; at < text.size();) {
      const size_t length = std::max<size_t>(1, code_point_at(text, at).length);
      append(ids, text.substr(at, length));
      at += length;
    }
    return ids;
  }

  void append(std::vector<int32_t>& ids, std::string_view character) const {
    const auto found = id_of_.find(std::string(character));
    if (found != id_of_.end()) return ids.push_back(found->second);
    for (const char c : character) ids.push_back(static_cast<unsigned char>(c) + kFirstByteId);
  }

  /// The id that two neighbours make, or −1.
  int32_t merged(int32_t left, int32_t right, std::string& scratch) const {
    // Byte tokens have no text of their own to merge by.
    if (left < kFirstPieceId || right < kFirstPieceId) return -1;
    scratch = vocab_.pieces[static_cast<size_t>(left)];
    scratch += vocab_.pieces[static_cast<size_t>(right)];
    const auto found = id_of_.find(scratch);
    const bool allowed = found != id_of_.end() && rank_of(found->second) != kNeverMerged;
    return allowed ? found->second : -1;
  }

  int32_t rank_of(int32_t id) const { return vocab_.rank[static_cast<size_t>(id)]; }

  void merge(std::vector<int32_t>& ids) const {
    // run.c looks for the best pair from the start after each merge; a queue finds the same pairs.
    std::string scratch;
    merge_long(ids, [&](int32_t left, int32_t right) -> MergeRule {
      const int32_t id = merged(left, right, scratch);
      return id < 0 ? MergeRule{} : MergeRule{rank_of(id), id};
    });
  }

  ScoreBpeVocab vocab_;
  std::unordered_map<std::string, int32_t> id_of_;  // pieces of text only
};

[[noreturn]] void corrupt(const std::string& where, std::string what) {
  throw Error({.id = "tokenizer.corrupt",
               .where = where,
               .what = std::move(what),
               .remedy = "copy it again; a tokenizer.bin is made by llama2.c's tokenizer.py"});
}

/// Reads little-endian values and byte strings, never past the end.
struct BinReader {
  std::string_view data;
  std::string where;
  size_t at = 0;

  template <class T>
  T value() {
    if (data.size() - at < sizeof(T)) corrupt(where, fmt::format("ends inside a number at {}", at));
    T result;
    std::memcpy(&result, data.data() + at, sizeof(T));
    at += sizeof(T);
    return result;
  }

  std::string bytes(int32_t length) {
    if (length < 0 || static_cast<size_t>(length) > data.size() - at)
      corrupt(where,
              fmt::format("a token of {} bytes at {}, file has {}", length, at, data.size()));
    at += static_cast<size_t>(length);
    return std::string(data.substr(at - static_cast<size_t>(length), static_cast<size_t>(length)));
  }
};

}  // namespace

std::unique_ptr<Tokenizer> make_score_bpe_tokenizer(ScoreBpeVocab vocab, const std::string& where) {
  CHECK(vocab.pieces.size() == vocab.rank.size(), "{} pieces, {} ranks", vocab.pieces.size(),
        vocab.rank.size());
  if (vocab.pieces.size() < kFirstPieceId)
    corrupt(where, fmt::format("{} tokens, too few to hold the 256 bytes", vocab.pieces.size()));
  for (int32_t byte = 0; byte < 256; ++byte) {
    const auto id = static_cast<size_t>(byte + kFirstByteId);
    if (vocab.pieces[id] != fmt::format("<0x{:02X}>", byte))
      corrupt(where, fmt::format("token {} is not the byte <0x{:02X}>", id, byte));
  }
  std::unordered_set<std::string_view> seen;
  for (size_t id = kFirstPieceId; id < vocab.pieces.size(); ++id) {
    if (!seen.insert(vocab.pieces[id]).second)
      corrupt(where, fmt::format("token {} is there twice", id));
    if (first_invalid_utf8(vocab.pieces[id]) != std::string_view::npos)
      corrupt(where, fmt::format("token {} is no valid UTF-8", id));
  }
  return std::make_unique<ScoreBpeTokenizer>(std::move(vocab));
}

std::unique_ptr<Tokenizer> load_llama2c_tokenizer(const std::filesystem::path& path) {
  const std::string data = read_file(path);
  BinReader reader{data, path.string()};
  const auto longest = reader.value<int32_t>();
  ScoreBpeVocab vocab;
  std::vector<float> scores;
  while (reader.at < data.size()) {
    scores.push_back(reader.value<float>());
    if (!std::isfinite(scores.back()))
      corrupt(path.string(), fmt::format("token {} has no score", scores.size() - 1));
    vocab.pieces.push_back(reader.bytes(reader.value<int32_t>()));
    if (static_cast<int64_t>(vocab.pieces.back().size()) > longest)
      corrupt(path.string(), fmt::format("token {} is longer than the longest, {} bytes",
                                         scores.size() - 1, longest));
  }
  // Only the order of the scores matters; as ranks they survive the way through tokenizer.json.
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  vocab.rank.resize(scores.size());
  for (size_t i = 0; i < order.size(); ++i) vocab.rank[order[i]] = static_cast<int32_t>(i);
  return make_score_bpe_tokenizer(std::move(vocab), path.string());
}

}  // namespace causeway
