// Tests of data/bpe_train.h.
#include "data/bpe_train.h"

#include <algorithm>
#include <map>

#include "data/bpe_json.h"
#include "data/count_corpus.h"
#include "tests/data/data_test_files.h"
#include "tests/data/random_text.h"

using namespace causeway;
using namespace causeway::test;

namespace {

WordCounts counts_of(const std::string& text, const std::string& pattern = "gpt2") {
  WordCounts counts;
  std::vector<uint32_t> ends;
  count_words(Splitter(pattern), text, ends, counts);
  return counts;
}

/// The definition: all pairs are counted anew before each merge.
std::vector<std::pair<int32_t, int32_t>> merges_by_definition(const WordCounts& counts,
                                                              const BpeTrainOptions& options) {
  std::vector<std::string> tokens;
  std::map<char, int32_t> id_of_byte;
  for (const unsigned char byte : byte_level_order()) {
    id_of_byte[static_cast<char>(byte)] = static_cast<int32_t>(tokens.size());
    tokens.emplace_back(1, static_cast<char>(byte));
  }
  std::vector<std::vector<int32_t>> words(counts.size());
  for (size_t i = 0; i < counts.size(); ++i)
    for (const char c : counts.word(i)) words[i].push_back(id_of_byte[c]);
  std::vector<std::pair<int32_t, int32_t>> merges;
  const auto most = static_cast<size_t>(options.vocab_size) - options.special.size();
  while (tokens.size() < most) {
    std::map<std::pair<int32_t, int32_t>, int64_t> pairs;
    for (size_t i = 0; i < words.size(); ++i)
      for (size_t k = 0; k + 1 < words[i].size(); ++k)
        pairs[{words[i][k], words[i][k + 1]}] += counts.count(i);
    const auto bytes = [&](const auto& pair) {
      return std::make_pair(tokens[static_cast<size_t>(pair.first)],
                            tokens[static_cast<size_t>(pair.second)]);
    };
    const auto best = std::max_element(pairs.begin(), pairs.end(), [&](auto& a, auto& b) {
      if (a.second != b.second) return a.second < b.second;
      return options.ties == TieRule::SmallestIds ? a.first > b.first
                                                  : bytes(a.first) < bytes(b.first);
    });
    if (best == pairs.end() || best->second < options.min_count) break;
    const auto [left, right] = best->first;
    merges.push_back(best->first);
    for (auto& word : words)
      for (size_t k = 0; k + 1 < word.size(); ++k)
        if (word[k] == left && word[k + 1] == right) {
          word[k] = static_cast<int32_t>(tokens.size());
          word.erase(word.begin() + static_cast<int64_t>(k) + 1);
        }
    tokens.push_back(bytes(best->first).first + bytes(best->first).second);
  }
  return merges;
}

}  // namespace

TEST_CASE("training counts exactly: its merges are those of counting anew before each") {
  for (uint64_t i = 0; i < 60; ++i) {
    // Few letters, so that pairs overlap and tie.
    Dice dice(i);
    std::string text;
    for (int k = 0; k < 400; ++k) text += "aaabbc  "[dice.below(8)];
    const WordCounts counts = counts_of(text);
    for (const TieRule ties : {TieRule::SmallestIds, TieRule::GreatestBytes}) {
      const BpeTrainOptions options{.vocab_size = 330, .ties = ties};
      const auto expected = merges_by_definition(counts, options);
      REQUIRE(expected.size() > 10);
      if (train_bpe(counts, options).merges != expected) FAIL("text " << i << " of the seed");
    }
  }
}

TEST_CASE("cs336's reference merges are reproduced by the greatest-pair rule, not by the other") {
  const auto folder = shared_data("cs336-bpe");
  SKIP_WITHOUT(folder, "cs336-bpe");
  const WordCounts counts = counts_of(slurp(folder / "corpus.en"));
  BpeTrainOptions options{.vocab_size = 500, .ties = TieRule::GreatestBytes};
  std::vector<std::pair<std::string, std::string>> reference;
  std::ifstream file(folder / "train-bpe-reference-merges.txt");
  for (std::string left, right; file >> left >> right;)
    reference.emplace_back(bytes_of_name(left, "reference"), bytes_of_name(right, "reference"));
  const auto merges = [&] {
    const BpeVocab vocab = train_bpe(counts, options);
    std::vector<std::pair<std::string, std::string>> result;
    for (const auto& [left, right] : vocab.merges)
      result.emplace_back(vocab.tokens[static_cast<size_t>(left)],
                          vocab.tokens[static_cast<size_t>(right)]);
    return result;
  };
  REQUIRE(reference.size() == 243);
  CHECK(merges() == reference);
  options.ties = TieRule::SmallestIds;
  CHECK(merges() != reference);
}

TEST_CASE("a trained vocabulary has the size asked for, special tokens last, and gives text back") {
  std::string text;
  for (uint64_t i = 0; i < 300; ++i) text += random_text(i);
  BpeVocab vocab = train_bpe(counts_of(text, "o200k"),
                             {.vocab_size = 400, .pattern = "o200k", .special = {"<a>", "<b>"}});
  CHECK(vocab.tokens.size() == 400);
  CHECK(vocab.merges.size() == 400 - 256 - 2);
  CHECK(vocab.added[1].id == 399);
  const auto tokenizer = make_bpe_tokenizer(std::move(vocab), "trained");
  CHECK(tokenizer->decode(tokenizer->encode(text)) == text);
  CHECK(tokenizer->encode(text).size() < text.size());
}

TEST_CASE("training ends where no pair is frequent enough, and refuses sizes that cannot be") {
  const WordCounts counts = counts_of("ab ab ab cd");
  CHECK(train_bpe(counts, {.vocab_size = 1000}).merges.size() == 2);  // "ab", " ab"
  CHECK(train_bpe(counts, {.vocab_size = 1000, .min_count = 1}).merges.size() == 4);
  CHECK(error_of([&] { train_bpe(counts, {.vocab_size = 256}); }).id == "usage.vocab_size");
  CHECK(error_of([&] {
          train_bpe(counts, {.special = {"<a>", "<a>"}});
        }).id == "usage.special_tokens");
  CHECK(train_bpe(WordCounts(), {.vocab_size = 300}).merges.empty());
}

TEST_CASE("a corpus is counted the same by any number of threads, and a sample is smaller") {
  const ScratchFolder folder;
  const std::string text = long_random_text(6'000'000);
  folder.file("texts/a.txt", text);
  folder.file("texts/b.txt", "only here");
  CountOptions options{.sources = {folder / "texts"}, .threads = 1};
  const CountResult one = count_corpus(options);
  options.threads = 3;
  const CountResult three = count_corpus(options);
  CHECK(one.bytes == static_cast<int64_t>(text.size()) + 9);
  WordCounts expected = counts_of(text);
  expected.add(counts_of("only here"));
  const auto as_map = [](const WordCounts& counts) {
    std::map<std::string, int64_t> map;
    for (size_t i = 0; i < counts.size(); ++i) map[std::string(counts.word(i))] = counts.count(i);
    return map;
  };
  CHECK(as_map(one.words) == as_map(expected));
  CHECK(as_map(three.words) == as_map(expected));
  options.sample_bytes = 2'000'000;
  const CountResult sample = count_corpus(options);
  CHECK(sample.bytes > 0);
  CHECK(sample.bytes < one.bytes);
  CHECK(sample.bytes + sample.skipped == one.bytes);
  folder.file("none/a.txt", "");
  options.sources = {folder / "none"};
  CHECK(error_of([&] { count_corpus(options); }).id == "data.empty");
}
