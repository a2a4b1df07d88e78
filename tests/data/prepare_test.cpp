// Tests of data/prepare.h and data/dataset.h.
#include "data/prepare.h"

#include "data/corpus.h"
#include "tests/data/data_test_files.h"

using namespace causeway;
using namespace causeway::test;

namespace {

namespace fs = std::filesystem;

std::string text_of(const TokenFiles& files, const Tokenizer& tokenizer) {
  std::vector<int32_t> tokens(static_cast<size_t>(files.size()));
  files.read(0, tokens);
  return tokenizer.decode(tokens);
}

std::vector<int32_t> tokens_of(const TokenFiles& files) {
  std::vector<int32_t> tokens(static_cast<size_t>(files.size()));
  files.read(0, tokens);
  return tokens;
}

Dataset open(const fs::path& source, const fs::path& cache, const std::string& tokenizer = "auto",
             std::optional<int64_t> vocab = {}) {
  DataConfig config;
  config.source = source.string();
  config.tokenizer = tokenizer;
  return open_dataset(config, cache, vocab);
}

}  // namespace

TEST_CASE("a text file becomes a folder that opens as the same text, split at its end") {
  const ScratchFolder folder;
  const std::string text = "One should not cut caf\xC3\xA9s in two: \xE2\x82\xAC.\n";
  const auto source = folder.file("text.txt", text);
  const auto result = prepare_dataset(
      {.sources = {source}, .output = folder / "out", .tokenizer = "char", .val_fraction = 0.25});
  CHECK(result.outcome == PrepareOutcome::Made);
  CHECK(result.info.documents == 1);
  CHECK(result.info.source == "text.txt");
  CHECK(result.info.train_tokens() + result.info.val_tokens() ==
        static_cast<int64_t>(text.size()) - 3);
  const Dataset data = open(folder / "out", folder / "cache");
  const std::string train = text_of(data.train, *data.tokenizer);
  CHECK(train + text_of(data.val, *data.tokenizer) == text);
  CHECK(train.size() == 29);  // int(39 · 0.75)
  CHECK(data.vocab_size == result.info.vocab_size);
  CHECK(!data.end_of_text);
  CHECK(verify_dataset(folder / "out").faults.empty());
}

TEST_CASE("tiny Shakespeare is split as nanoGPT splits it") {
  const auto shakespeare = shared_data("tinyshakespeare");
  SKIP_WITHOUT(shakespeare, "tinyshakespeare");
  const ScratchFolder folder;
  const Dataset data = open(shakespeare / "input.txt", folder.path());
  CHECK(data.vocab_size == 65);
  CHECK(data.train.size() == 1003854);
  CHECK(data.val.size() == 111540);
}

TEST_CASE("a validation split never begins inside a character") {
  const ScratchFolder folder;
  std::string text;
  for (int i = 0; i < 50; ++i) text += "\xE2\x82\xAC";
  const auto source = folder.file("euro.txt", text);
  for (const double fraction : {0.5, 0.11, 0.3, 0.777}) {
    DataConfig config;
    config.source = source.string();
    config.tokenizer = "byte";
    config.val_fraction = fraction;
    const Dataset data = open_dataset(config, folder / "cache", {});
    CHECK(data.train.size() % 3 == 0);
    CHECK(data.train.size() + data.val.size() == 150);
  }
}

TEST_CASE("documents of a folder come in the order of their paths, each behind an end of text") {
  const ScratchFolder folder;
  folder.file("texts/b.txt", "bb");
  folder.file("texts/a/z.txt", "zz");
  folder.file("texts/empty.txt", "");
  folder.file("texts/.hidden/secret.txt", "no");
  folder.file("texts/c.txt", "cc");
  const auto result = prepare_dataset({.sources = {folder / "texts"},
                                       .output = folder / "out",
                                       .tokenizer = "byte",
                                       .val_fraction = 0});
  CHECK(result.info.documents == 3);
  CHECK(result.info.val.empty());
  const Dataset data = open(folder / "out", folder / "cache");
  CHECK(data.end_of_text == 256);
  CHECK(tokens_of(data.train) == std::vector<int32_t>{256, 'z', 'z', 256, 'b', 'b', 256, 'c', 'c'});
}

TEST_CASE(
    "a document that the split cuts goes on in the validation split without a new beginning") {
  const ScratchFolder folder;
  folder.file("texts/a.txt", "aaaa");
  folder.file("texts/b.txt", "bbbb");
  prepare_dataset({.sources = {folder / "texts"},
                   .output = folder / "out",
                   .tokenizer = "byte",
                   .val_fraction = 0.25});
  const Dataset data = open(folder / "out", folder / "cache");
  CHECK(tokens_of(data.train) == std::vector<int32_t>{256, 'a', 'a', 'a', 'a', 256, 'b', 'b'});
  CHECK(tokens_of(data.val) == std::vector<int32_t>{'b', 'b'});
}

TEST_CASE("a file whose name is no UTF-8 can be prepared") {
  const ScratchFolder folder;
  const auto source = folder.file("caf\xE9.txt", "some text that is long enough to split");
  prepare_dataset({.sources = {source}, .output = folder / "out"});
  CHECK(verify_dataset(folder / "out").faults.empty());
}

TEST_CASE("train and val files are the splits, whatever val_fraction says") {
  const ScratchFolder folder;
  folder.file("texts/train.txt", "training");
  folder.file("texts/val.txt", "valid");
  folder.file("texts/notes.txt", "left out");
  prepare_dataset({.sources = {folder / "texts"}, .output = folder / "out"});
  const Dataset data = open(folder / "out", folder / "cache");
  CHECK(text_of(data.train, *data.tokenizer) == "training");
  CHECK(text_of(data.val, *data.tokenizer) == "valid");
}

TEST_CASE("splits are named by whole words, the file's own name before its folders'") {
  for (const char* name : {"val.txt", "TinyStories-valid.txt", "wiki.Validation.tokens",
                           "val_03.bin", "val/a.txt", "train/val.txt"})
    CHECK(split_in_name(name) == Split::Val);
  for (const char* name : {"train.txt", "tiny_train_000001.bin", "train2.txt", "valid/train.txt"})
    CHECK(split_in_name(name) == Split::Train);
  for (const char* name : {"valentine.txt", "trainspotting.txt", "interval.txt", "a.txt", ""})
    CHECK(!split_in_name(name));
}

TEST_CASE("the same text and options are not prepared twice; others are refused") {
  const ScratchFolder folder;
  const auto source = folder.file("text.txt", "to be or not to be, that is the question");
  const PrepareOptions options{.sources = {source}, .output = folder / "out"};
  CHECK(prepare_dataset(options).outcome == PrepareOutcome::Made);
  CHECK(prepare_dataset(options).outcome == PrepareOutcome::Found);
  PrepareOptions other = options;
  other.tokenizer = "byte";
  const auto error = error_of([&] { prepare_dataset(other); });
  CHECK(error.id == "data.exists");
  CHECK(has(error.where, "out"));
  folder.file("text.txt", "another text of about the same length, or not");
  CHECK(error_of([&] { prepare_dataset(options); }).id == "data.exists");
  folder.file("mine/notes.md", "not a data set");
  other.output = folder / "mine";
  CHECK(error_of([&] { prepare_dataset(other); }).id == "data.exists");
  CHECK(fs::exists(folder / "mine/notes.md"));
}

TEST_CASE("texts that cannot be prepared are refused with the place and leave nothing behind") {
  const ScratchFolder folder;
  const auto error_for = [&](const std::string& bytes) {
    const auto source = folder.file("text.txt", bytes);
    const auto error =
        error_of([&] { prepare_dataset({.sources = {source}, .output = folder / "out"}); });
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
    return error;
  };
  const auto invalid = error_for("good until here: \xE9t\xE9");
  CHECK(invalid.id == "data.invalid_utf8");
  CHECK(invalid.what == "no valid UTF-8 at byte 17 (0xE9)");
  CHECK(has(invalid.remedy, "iconv"));
  CHECK(error_for("").id == "data.empty");
  CHECK(error_for("abc").id == "data.too_small");
  CHECK(error_for(std::string("PK\0\0\1", 5)).id == "data.not_text");
  CHECK(error_of([&] {
          prepare_dataset({.sources = {folder / "no"}, .output = folder / "out"});
        }).id == "data.missing");
  CHECK(error_of([&] {
          prepare_dataset(
              {.sources = {folder / "text.txt"}, .output = folder / "out", .val_fraction = 1});
        }).id == "usage.val_fraction");
}

TEST_CASE("a text is prepared into the cache once and found there by content, not by path") {
  const ScratchFolder folder;
  const auto one = folder.file("one.txt", "the quick brown fox jumps over the lazy dog");
  const auto two = folder.file("elsewhere/two.txt", "the quick brown fox jumps over the lazy dog");
  const auto cached = [&] { return std::distance(fs::directory_iterator(folder / "cache"), {}); };
  const Dataset first = open(one, folder / "cache");
  CHECK(cached() == 1);
  const Dataset second = open(two, folder / "cache");
  CHECK(cached() == 1);
  CHECK(first.content_hash == second.content_hash);
  const Dataset bytes = open(one, folder / "cache", "byte");
  CHECK(cached() == 2);
  CHECK(bytes.content_hash != first.content_hash);
  // The folder that `data prepare` makes of the same text is the same data.
  prepare_dataset({.sources = {one}, .output = folder / "out"});
  CHECK(open(folder / "out", folder / "cache").content_hash == first.content_hash);
}

TEST_CASE("a prepared folder refuses another tokenizer and a smaller vocabulary") {
  const ScratchFolder folder;
  const auto source = folder.file("text.txt", "abcdefghijklmnopqrstuvwxyz");
  prepare_dataset({.sources = {source}, .output = folder / "out"});
  CHECK_NOTHROW(open(folder / "out", folder / "c", "char"));
  CHECK_NOTHROW(open(folder / "out", folder / "c", (folder / "out").string()));
  CHECK_NOTHROW(open(folder / "out", folder / "c", "auto", 64));
  CHECK(error_of([&] { open(folder / "out", folder / "c", "byte"); }).id ==
        "data.tokenizer_mismatch");
  const auto small = error_of([&] { open(folder / "out", folder / "c", "auto", 20); });
  CHECK(small.what == "model.vocab_size is 20, the tokenizer has 26 tokens");
}

TEST_CASE("verify finds a flipped byte, a short file and a missing one, and names each") {
  const ScratchFolder folder;
  const auto source = folder.file("text.txt", std::string(1000, 'x') + "yz");
  const auto out = folder / "out";
  prepare_dataset({.sources = {source}, .output = out});
  const auto fault = [&] {
    const auto result = verify_dataset(out);
    REQUIRE(result.faults.size() == 1);
    return result.faults[0].file + ": " + result.faults[0].what;
  };
  std::string bytes = slurp(out / "train_000000.bin");
  bytes[1500] = 1;
  folder.file("out/train_000000.bin", bytes);
  CHECK(has(fault(), "train_000000.bin: content hash is"));
  bytes.pop_back();
  folder.file("out/train_000000.bin", bytes);
  CHECK(has(fault(), "header says 901 tokens"));
  CHECK(error_of([&] { open(out, folder / "cache"); }).id == "data.truncated");
  fs::remove(out / "train_000000.bin");
  CHECK(has(fault(), "train_000000.bin: "));
}

TEST_CASE("a damaged dataset.json is refused, and cannot name files outside its folder") {
  const ScratchFolder folder;
  const auto source = folder.file("text.txt", "abcdefghijklmnopqrstuvwxyz");
  prepare_dataset({.sources = {source}, .output = folder / "out"});
  const std::string good = slurp(folder / "out/dataset.json");
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    folder.file("out/dataset.json", bad);
    return error_of([&] { read_dataset_info(folder / "out"); });
  };
  CHECK(error_with("train_000000.bin", "../text.txt").id == "data.corrupt");
  CHECK(has(error_with("\"version\": 1", "\"version\": 9").what, "version 9"));
  CHECK(has(error_with("\"documents\"", "\"docs\"").what, "documents"));
  folder.file("out/dataset.json", good.substr(0, good.size() / 2));
  CHECK(error_of([&] { read_dataset_info(folder / "out"); }).id == "data.json");
}

TEST_CASE("llm.c's and nanoGPT's folders are read as they are, with a vocabulary given") {
  const ScratchFolder folder;
  folder.file("llmc/tiny_train_000001.bin", llmc_shard({7, 8, 9}));
  folder.file("llmc/tiny_train_000000.bin", llmc_shard({50256, 5, 6}));
  folder.file("llmc/tiny_val_000000.bin", llmc_shard({50256, 1}));
  folder.file("nano/train.bin", as_bytes<uint16_t>({1, 2, 3}));
  folder.file("nano/val.bin", as_bytes<uint16_t>({4, 5}));
  const Dataset gpt2 = open(folder / "llmc", folder / "cache", "auto", 50257);
  CHECK(tokens_of(gpt2.train) == std::vector<int32_t>{50256, 5, 6, 7, 8, 9});
  CHECK(tokens_of(gpt2.val) == std::vector<int32_t>{50256, 1});
  CHECK(gpt2.end_of_text == 50256);
  CHECK(!gpt2.tokenizer);
  const Dataset nano = open(folder / "nano", folder / "cache", "auto", 65);
  CHECK(tokens_of(nano.train) == std::vector<int32_t>{1, 2, 3});
  CHECK(tokens_of(nano.val) == std::vector<int32_t>{4, 5});
  CHECK(nano.content_hash != gpt2.content_hash);
  CHECK(error_of([&] { open(folder / "nano", folder / "cache"); }).id == "data.vocab_size");
  const auto wrong = error_of([&] { open(folder / "llmc", folder / "cache", "auto", 1000); });
  CHECK(wrong.id == "data.token_out_of_range");
  CHECK(has(wrong.what, "token 0 is 50256"));
  CHECK(verify_dataset(folder / "llmc").tokens == 8);
}

TEST_CASE("a document mask without an end-of-text token is refused") {
  const ScratchFolder folder;
  DataConfig config;
  config.source = folder.file("text.txt", "one document, no border").string();
  config.document_mask = true;
  CHECK(error_of([&] { open_dataset(config, folder / "cache", {}); }).id == "data.no_end_of_text");
}
