// Tests of data/bpe.h and of the formats it is read from.
#include "data/bpe.h"

#include <algorithm>

#include "core/json.h"
#include "data/bpe_files.h"
#include "data/bpe_rules.h"
#include "tests/data/data_test_files.h"
#include "tests/data/random_text.h"

using namespace causeway;
using namespace causeway::test;

namespace {

/// The bytes, then what merges of small ids make; ids 300 and 301 are added tokens.
BpeVocab small_vocab() {
  BpeVocab vocab;
  for (int b = 0; b < 256; ++b) vocab.tokens.emplace_back(1, static_cast<char>(b));
  const auto merge = [&](int32_t left, int32_t right) {
    vocab.merges.emplace_back(left, right);
    vocab.tokens.push_back(vocab.tokens[static_cast<size_t>(left)] +
                           vocab.tokens[static_cast<size_t>(right)]);
  };
  merge('a', 'b');  // 256 ab
  merge('a', 'a');  // 257 aa
  merge(257, 257);  // 258 aaaa
  merge('b', 'c');  // 259 bc
  merge(256, 259);  // 260 abbc
  merge(' ', 256);  // 261 " ab"
  vocab.tokens.resize(302);
  vocab.added = {{"<|endoftext|>", 300}, {"<tag>", 301, false}};
  return vocab;
}

/// The definition: the pair of the lowest rank, the leftmost of equals, again and again.
std::vector<int32_t> merged_by_definition(const BpeVocab& vocab, std::vector<int32_t> ids) {
  while (true) {
    size_t best_rank = vocab.merges.size(), best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto pair = std::make_pair(ids[i], ids[i + 1]);
      const auto found = std::find(vocab.merges.begin(), vocab.merges.end(), pair);
      const auto rank = static_cast<size_t>(found - vocab.merges.begin());
      if (rank < best_rank) best_rank = rank, best = i;
    }
    if (best_rank == vocab.merges.size()) return ids;
    ids[best] = static_cast<int32_t>(256 + best_rank);
    ids.erase(ids.begin() + static_cast<int64_t>(best) + 1);
  }
}

std::unique_ptr<Tokenizer> small(BpeVocab vocab = small_vocab()) {
  return make_bpe_tokenizer(std::move(vocab), "small");
}

}  // namespace

TEST_CASE("merges go by rank, the leftmost of equals first, in short words and in long ones") {
  const BpeVocab vocab = small_vocab();
  BpeRules rules(vocab.merges.size());
  for (size_t rank = 0; rank < vocab.merges.size(); ++rank)
    rules.add(vocab.merges[rank].first, vocab.merges[rank].second,
              static_cast<int32_t>(256 + rank));
  for (uint64_t i = 0; i < 2000; ++i) {
    Dice dice(i);
    std::vector<int32_t> ids(dice.below(30));
    for (int32_t& id : ids) id = "aaaabbc "[dice.below(8)];
    const auto expected = merged_by_definition(vocab, ids);
    std::vector<int32_t> by_queue = ids, by_passes = ids;
    std::vector<MergeRule> scratch;
    merge_long(by_queue, rules);
    merge_short(by_passes, scratch, rules);
    REQUIRE(by_queue == expected);
    REQUIRE(by_passes == expected);
  }
}

TEST_CASE(
    "special tokens in a text are text, unless they are asked for; other added tokens are not") {
  const auto tokenizer = small();
  CHECK(tokenizer->end_of_text() == 300);
  CHECK(tokenizer->vocab_size() == 302);
  const std::string text = "ab<|endoftext|>ab<tag>";
  const auto ids = tokenizer->encode(text);
  CHECK(std::count(ids.begin(), ids.end(), 300) == 0);
  CHECK(ids.back() == 301);
  CHECK(tokenizer->decode(ids) == text);
  const auto special = tokenizer->encode_special(text);
  CHECK(special == std::vector<int32_t>{256, 300, 256, 301});
  CHECK(tokenizer->decode(special) == "abab<tag>");
}

TEST_CASE("a tokenizer with more ids than a model has rows is refused, with both numbers") {
  const auto tokenizer = small();
  CHECK_NOTHROW(check_vocabulary(*tokenizer, 302, "a and b"));
  const auto error = error_of([&] { check_vocabulary(*tokenizer, 256, "t.json and runs/x"); });
  CHECK(error.id == "tokenizer.vocab_mismatch");
  CHECK(error.where == "t.json and runs/x");
  CHECK(error.what == "the bpe tokenizer has 302 ids, the model 256");
}

TEST_CASE("a million random byte strings come back from their ids") {
  const auto tokenizer = small();
  for (uint64_t i = 0; i < 1'000'000; ++i) {
    const std::string text = i % 8 ? random_bytes(i, 16) : random_text(i, 12);
    if (tokenizer->decode(tokenizer->encode(text)) != text) FAIL("bytes " << i << " of the seed");
  }
}

TEST_CASE("a vocabulary that contradicts itself is refused by what is wrong") {
  const auto what = [](auto change) {
    BpeVocab vocab = small_vocab();
    change(vocab);
    const auto error = error_of([&] { small(vocab); });
    CHECK(error.id == "tokenizer.corrupt");
    return error.what;
  };
  CHECK(what([](BpeVocab& v) { v.tokens['a'] = "ax"; }) ==
        "byte 0x61 has no token, so not every text has ids");
  CHECK(what([](BpeVocab& v) { v.tokens[257] = "ab"; }) ==
        "tokens 256 and 257 have the same bytes");
  CHECK(what([](BpeVocab& v) { v.merges[1].second = 299; }) ==
        "merge 1 is of token 299, which is not there");
  CHECK(what([](BpeVocab& v) { v.merges[1].second = -7; }) ==
        "merge 1 is of token -7, which is not there");
  CHECK(what([](BpeVocab& v) {
          v.merges[1] = {'c', 'c'};
        }) == "merge 1, of tokens 99 and 99, makes no token");
  CHECK(what([](BpeVocab& v) { v.added[0].id = 258; }) ==
        "added token \"<|endoftext|>\" has id 258");
  CHECK(what([](BpeVocab& v) { v.added[0].id = 1000; }) ==
        "added token \"<|endoftext|>\" has id 1000");
}

TEST_CASE("byte-level BPE survives the way through tokenizer.json, whatever its pattern") {
  for (const char* pattern : {"gpt2", "cl100k", "o200k", "\\w+|[^\\w]"}) {
    BpeVocab vocab = small_vocab();
    vocab.pattern = pattern;
    vocab.unicode = "13.0.0";
    vocab.whole_pieces = WholePieces::Yes;
    const auto tokenizer = small(vocab);
    const std::string json = tokenizer->to_json();
    CHECK(has(json, "\"unicode\": \"13.0.0\""));
    const auto again = parse_tokenizer_json(json, "t.json");
    CHECK(again->kind() == TokenizerKind::Bpe);
    CHECK(again->hash() == tokenizer->hash());
    CHECK(again->details() == tokenizer->details());
    CHECK(has(again->details()[3].second, "13.0.0, here "));
    CHECK(again->vocab_size() == 302);
    for (uint64_t i = 0; i < 200; ++i)
      REQUIRE(again->encode(random_text(i)) == tokenizer->encode(random_text(i)));
  }
}

TEST_CASE("tokenizer.json files with parts that would change the ids are refused by the part") {
  const Json good = parse_json(small()->to_json(), "t.json");
  const auto error = [&](auto change) {
    Json json = good;
    change(json);
    return error_of([&] { parse_tokenizer_json(json.dump(), "t.json"); });
  };
  const auto what = [&](auto change) { return error(change).what; };
  CHECK(has(what([](Json& j) { j["normalizer"] = {{"type", "NFC"}}; }), "normalizer"));
  CHECK(has(what([](Json& j) { j["pre_tokenizer"]["add_prefix_space"] = true; }),
            "add_prefix_space"));
  CHECK(has(what([](Json& j) { j["added_tokens"][1]["lstrip"] = true; }), "lstrip"));
  CHECK(
      has(what([](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }), "end_of_word_suffix"));
  CHECK(has(what([](Json& j) { j["model"]["merges"][0] = "ab"; }), "merge without a space"));
  CHECK(
      has(what([](Json& j) { j["model"]["merges"][0] = "a zz"; }), "a merge of \"zz\", no token"));
  CHECK(has(what([](Json& j) { j["model"]["vocab"]["\u4E2D"] = 299; }), "byte-level characters"));
  CHECK(has(what([](Json& j) { j["model"]["vocab"]["a"] = 98; }), "two tokens have id 98"));
  CHECK(
      has(what([](Json& j) { j["model"]["vocab"]["a"] = 99999999; }), "a token's id is 99999999"));
  CHECK(error([](Json& j) { j["model"]["vocab"] = 3; }).id == "tokenizer.corrupt");
  CHECK(error([](Json& j) { j["added_tokens"] = 3; }).id == "tokenizer.corrupt");
  CHECK(error([](Json& j) { j["pre_tokenizer"] = Json::array(); }).id == "tokenizer.unsupported");
}

TEST_CASE("merges are found again from ranks alone") {
  BpeVocab vocab = small_vocab();
  vocab.tokens.resize(262);
  CHECK(merges_of_ranks(vocab.tokens) == vocab.merges);
}

TEST_CASE("malformed rank files and pairs of files are refused with the line") {
  const ScratchFolder folder;
  const auto ranks = [&](const std::string& text) {
    const auto path = folder.file("cl100k.tiktoken", text);
    return error_of([&] { load_tokenizer(path); });
  };
  CHECK(ranks("IQ== 0\nIg== 2\n").where == folder / "cl100k.tiktoken:2");
  CHECK(ranks("IQ== 0\nIg== 2\n").what == "expected \"BASE64 1\"");
  CHECK(ranks("I*== 0\n").what == "this is no line of \"BASE64 RANK\"");
  CHECK(ranks("== 0\n").what == "a token of no bytes");
  CHECK(ranks("IQ==\n").what == "expected \"BASE64 0\"");
  CHECK(has(ranks("").what, "byte 0x00 has no token"));
  const auto nameless = folder.file("mine.tiktoken", "IQ== 0\n");
  CHECK(error_of([&] { load_tokenizer(nameless); }).id == "tokenizer.unknown_encoding");
  folder.file("pair/vocab.bpe", "#version: 0.2\na b\n");
  for (const char* text :
       {"[]", "3", "{\"a\": \"b\"}", "{\"a\": 1.5}", "{\"\xC4\xA0\xE4\xB8\xAD\": 1}"}) {
    folder.file("pair/encoder.json", text);
    CHECK(error_of([&] { load_tokenizer(folder / "pair"); }).id == "tokenizer.corrupt");
  }
  folder.file("pair/encoder.json", "{");
  CHECK(error_of([&] { load_tokenizer(folder / "pair"); }).id == "data.json");
}
