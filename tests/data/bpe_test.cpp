// Tests of data/bpe.h and of the formats it is read from.
#include "data/bpe.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

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

/// One golden encoding: name of the encoding, text, ids.
struct Plan {
  std::string encoding, text;
  std::vector<int32_t> ids;
};

std::vector<Plan> read_plans(const std::string& file) {
  std::vector<Plan> plans;
  size_t at = 0;
  const auto between = [&](const std::string& begin, const std::string& end) {
    const size_t from = file.find(begin, at) + begin.size();
    at = file.find(end, from);
    return file.substr(from, at - from);
  };
  while (file.find("EncodingName: ", at) != std::string::npos) {
    Plan plan{between("EncodingName: ", "\nSample: "), between("Sample: ", "\nEncoded: ["), {}};
    const std::string list = between("Encoded: [", "]");
    for (size_t i = 0; i < list.size(); i = std::min(list.find(',', i), list.size() - 1) + 1)
      plan.ids.push_back(std::stoi(list.substr(i)));
    plans.push_back(std::move(plan));
  }
  return plans;
}

/// Runs on a thread with a stack of 256 kB; returns the seconds it took.
template <class Work>
double on_small_stack(Work work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  REQUIRE(pthread_attr_setstacksize(&attributes, size_t{256} << 10) == 0);
  const auto begin = std::chrono::steady_clock::now();
  pthread_t thread;
  const auto call = [](void* argument) -> void* {
    (*static_cast<Work*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, call, &work) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("merges go by rank, the leftmost of equals first, in short words and in long ones") {
  const BpeVocab vocab = small_vocab();
  BpeRules rules(vocab.merges.size());
  for (size_t rank = 0; rank < vocab.merges.size(); ++rank)
    rules.add(vocab.merges[rank].first, vocab.merges[rank].second,
              {static_cast<int32_t>(rank), static_cast<int32_t>(256 + rank)});
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

TEST_CASE("GPT-2's, cl100k's and o200k's golden encodings are reproduced") {
  const auto plans_path = shared_data("gpt2-bpe"), cl100k = shared_data("cl100k"),
             o200k = shared_data("o200k");
  SKIP_WITHOUT(plans_path, "gpt2-bpe");
  SKIP_WITHOUT(cl100k, "cl100k");
  SKIP_WITHOUT(o200k, "o200k");
  const auto r50k = load_tokenizer(plans_path / "r50k_base.tiktoken");
  const auto cl = load_tokenizer(cl100k), o2 = load_tokenizer(o200k);
  CHECK(r50k->vocab_size() == 50257);
  CHECK(cl->vocab_size() == 100277);
  CHECK(o2->vocab_size() == 200019);
  int checked = 0;
  for (const Plan& plan : read_plans(slurp(plans_path / "TestPlans.txt"))) {
    const Tokenizer* tokenizer = plan.encoding == "r50k_base"     ? r50k.get()
                                 : plan.encoding == "cl100k_base" ? cl.get()
                                 : plan.encoding == "o200k_base"  ? o2.get()
                                                                  : nullptr;
    if (!tokenizer) continue;  // p50k, whose ranks are not there
    INFO(plan.encoding << ": " << plan.text);
    CHECK(tokenizer->encode(plan.text) == plan.ids);
    CHECK(tokenizer->decode(plan.ids) == plan.text);
    ++checked;
  }
  CHECK(checked == 64 + 64 + 57);
}

TEST_CASE("GPT-2 in four formats is one tokenizer") {
  const auto pair = shared_data("gpt2-bpe"), hf = shared_data("gpt2-hf-tokenizer");
  SKIP_WITHOUT(pair, "gpt2-bpe");
  SKIP_WITHOUT(hf, "gpt2-hf-tokenizer");
  const auto json = load_tokenizer(hf / "tokenizer.json");
  CHECK(json->end_of_text() == 50256);
  CHECK(load_tokenizer(pair / "encoder.json")->hash() == json->hash());
  CHECK(load_tokenizer(hf / "merges.txt")->hash() == json->hash());
  const auto ranks = load_tokenizer(pair / "r50k_base.tiktoken");
  CHECK(ranks->special_tokens().size() == 1);
  for (uint64_t i = 0; i < 2000; ++i) {
    const std::string text = random_text(i, 100);
    if (ranks->encode(text) != json->encode(text)) FAIL("text " << i << " of the seed");
  }
  CHECK(parse_tokenizer_json(ranks->to_json(), "r50k")->encode("Hello world") ==
        json->encode("Hello world"));
}

TEST_CASE("a megabyte of anything is encoded in two seconds on a small stack") {
  const auto cl100k = shared_data("cl100k"), o200k = shared_data("o200k"),
             gpt2 = shared_data("gpt2-hf-tokenizer");
  SKIP_WITHOUT(cl100k, "cl100k");
  SKIP_WITHOUT(o200k, "o200k");
  SKIP_WITHOUT(gpt2, "gpt2-hf-tokenizer");
  const std::vector<std::string> parts = {"a",        "A",   " ",      "\n", " \n",
                                          "1",        "!",   "\u0301", "'",  "\xFF",
                                          "\xE2\x82", "/",   "\u4E2D", "aA", std::string(1, '\0'),
                                          "a\u0301",  "ab ", "\u2028"};
  for (const auto& folder : {gpt2, cl100k, o200k}) {
    const auto tokenizer = load_tokenizer(folder);
    for (const std::string& part : parts) {
      std::string text;
      while (text.size() < 1'000'000) text += part;
      bool same = false;
      const double seconds =
          on_small_stack([&] { same = tokenizer->decode(tokenizer->encode(text)) == text; });
      INFO(folder << ": " << part << " took " << seconds << " s");
      CHECK(same);
      CHECK(seconds < 2);
    }
  }
}
