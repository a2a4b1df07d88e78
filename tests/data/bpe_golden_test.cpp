// Tests of data/bpe.h with the vocabularies of GPT-2, cl100k and o200k.
#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "data/tokenizer.h"
#include "tests/data/data_test_files.h"
#include "tests/data/random_text.h"

using namespace causeway;
using namespace causeway::test;

namespace {

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
