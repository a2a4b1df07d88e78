// Tests of data/prepare.h where there are many documents: order, splits, doubles, stops.
#include <algorithm>
#include <fstream>
#include <set>

#include "data/prepare.h"
#include "data/statistics.h"
#include "tests/data/data_test_files.h"
#include "tests/data/packed_files.h"
#include "tests/data/random_text.h"

using namespace causeway;
using namespace causeway::test;

namespace {

namespace fs = std::filesystem;

Dataset open(const fs::path& folder) {
  DataConfig config;
  config.source = folder.string();
  return open_dataset(config, {}, {});
}

/// The documents of a split, between its end-of-text tokens.
std::vector<std::string> documents_of(const TokenFiles& files, const Dataset& data) {
  std::vector<int32_t> tokens(static_cast<size_t>(files.size()));
  files.read(0, tokens);
  std::vector<std::string> documents;
  for (const int32_t token : tokens) {
    if (token == data.end_of_text) {
      documents.emplace_back();
    } else {
      documents.back() += data.tokenizer->decode(token);
    }
  }
  return documents;
}

/// A file of `count` lines, each its own document, some of several hundred kilobytes.
fs::path many_lines(const ScratchFolder& folder, int count, const std::string& name = "lines.txt") {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const size_t length = i % 97 == 5 ? 300'000 : static_cast<size_t>(10 + i % 50);
    text += std::to_string(i) + " " + std::string(length, static_cast<char>('a' + i % 26)) + "\n";
  }
  return folder.file(name, text);
}

PrepareOptions line_options(const fs::path& source, const fs::path& output) {
  return {.sources = {source},
          .output = output,
          .tokenizer = "byte",
          .documents = {.unit = DocumentUnit::Line}};
}

std::vector<std::string> sorted(std::vector<std::string> documents) {
  std::sort(documents.begin(), documents.end());
  return documents;
}

}  // namespace

TEST_CASE("lines become documents, split by chance as the seed has it, none lost or cut") {
  const ScratchFolder folder;
  const auto source = many_lines(folder, 1000);
  const auto result = prepare_dataset(line_options(source, folder / "out"));
  CHECK(result.info.documents == 1000);
  CHECK(result.info.recipe == "a document per line, validation by document, seed 1337");
  const Dataset data = open(folder / "out");
  const auto train = documents_of(data.train, data), val = documents_of(data.val, data);
  CHECK(train.size() + val.size() == 1000);
  // 1000 draws of 0.1: five standard deviations are 47.
  CHECK(val.size() > 53);
  CHECK(val.size() < 147);
  CHECK(train[0].substr(0, 2) == "0 ");
  std::set<std::string> all(train.begin(), train.end());
  all.insert(val.begin(), val.end());
  CHECK(all.size() == 1000);
}

TEST_CASE("shuffled documents are the same documents, in an order that only the seed decides") {
  const ScratchFolder folder;
  PrepareOptions options = line_options(many_lines(folder, 1500), folder / "a");
  options.val_fraction = 0;
  prepare_dataset(options);
  options.order = DocumentOrder::Shuffled;
  options.output = folder / "b", options.threads = 3;
  prepare_dataset(options);
  options.output = folder / "c", options.threads = 1;
  prepare_dataset(options);
  options.output = folder / "d", options.seed = 4;
  prepare_dataset(options);
  const auto documents = [&](const char* name) {
    const Dataset data = open(folder / name);
    return documents_of(data.train, data);
  };
  const auto as_is = documents("a"), shuffled = documents("b"), other = documents("d");
  CHECK(sorted(shuffled) == sorted(as_is));
  CHECK(sorted(other) == sorted(as_is));
  CHECK(shuffled != as_is);
  CHECK(shuffled != other);
  CHECK(documents("c") == shuffled);
  CHECK(open(folder / "c").content_hash == open(folder / "b").content_hash);
}

TEST_CASE("doubles are dropped where that is asked for, the first of them stays") {
  const ScratchFolder folder;
  PrepareOptions options =
      line_options(folder.file("text.txt", "one\ntwo\none\nthree\ntwo\n"), folder / "out");
  options.val_fraction = 0;
  options.duplicates = Duplicates::Drop;
  const auto result = prepare_dataset(options);
  CHECK(result.info.documents == 3);
  CHECK(result.info.dropped_documents == 2);
  const Dataset data = open(folder / "out");
  CHECK(documents_of(data.train, data) == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("a stop at any time, taken up again, makes the folder that no stop makes") {
  const ScratchFolder folder;
  const bool shuffle = GENERATE(false, true);
  PrepareOptions options = line_options(many_lines(folder, 2500), folder / "whole");
  options.order = shuffle ? DocumentOrder::Shuffled : DocumentOrder::AsIs;
  options.val_fraction = 0.2;
  const auto whole = prepare_dataset(options);
  options.output = folder / "stopped";
  // The survey asks once for each batch; stops are wanted behind it.
  int stops = 0, calls = 0, surveys = 0;
  options.stop = [&] { return ++surveys, false; };
  (void)preparation_key(options);
  for (auto outcome = PrepareOutcome::Interrupted; outcome == PrepareOutcome::Interrupted;
       ++stops) {
    calls = 0;
    options.stop = [&] { return ++calls > surveys + 3 + stops % 2; };
    outcome = prepare_dataset(options).outcome;
    CHECK(fs::exists(folder / "stopped") == (outcome == PrepareOutcome::Made));
    REQUIRE(stops < 50);
  }
  CHECK(stops > 3);
  CHECK(read_dataset_info(folder / "stopped").content_hash() == whole.info.content_hash());
  CHECK(!fs::exists(folder / ".partial-stopped"));
  // Stopped while it is surveyed, at the first look.
  options.output = folder / "early";
  options.stop = [] { return true; };
  CHECK(prepare_dataset(options).outcome == PrepareOutcome::Interrupted);
  CHECK(!fs::exists(folder / ".partial-early"));
  // Another option, another key: nothing of the old is taken up.
  calls = 0;
  options.output = folder / "other";
  options.stop = [&] { return ++calls > surveys + 3; };
  CHECK(prepare_dataset(options).outcome == PrepareOutcome::Interrupted);
  options.stop = nullptr;
  options.seed = 99;
  prepare_dataset(options);
  options.output = folder / "other2";
  CHECK(prepare_dataset(options).info.content_hash() ==
        read_dataset_info(folder / "other").content_hash());
}

TEST_CASE("many threads make the same folder as one, of one long text as of many documents") {
  const ScratchFolder folder;
  const std::string text = long_random_text(4'000'000);
  const auto gpt2 = shared_data("gpt2-hf-tokenizer");
  SKIP_WITHOUT(gpt2, "gpt2-hf-tokenizer");
  const auto tokenizer = load_tokenizer(gpt2);
  PrepareOptions options{.sources = {folder.file("long.txt", text)},
                         .output = folder / "one",
                         .tokenizer = gpt2.string(),
                         .val_fraction = 0,
                         .shard_tokens = 100'000,
                         .threads = 1};
  prepare_dataset(options);
  options.output = folder / "three", options.threads = 3;
  prepare_dataset(options);
  const Dataset one = open(folder / "one");
  CHECK(open(folder / "three").content_hash == one.content_hash);
  CHECK(one.train.shards().size() > 5);
  CHECK(verify_dataset(folder / "one").faults.empty());
  // The parts make the ids of the whole.
  std::vector<int32_t> tokens(static_cast<size_t>(one.train.size()));
  one.train.read(0, tokens);
  CHECK(tokens.front() == 50256);
  tokens.erase(tokens.begin());
  CHECK(tokens == tokenizer->encode(text));
}

TEST_CASE("a pattern, packed files and several sources are one corpus") {
  const ScratchFolder folder;
  folder.file("texts/a.txt", "aa");
  folder.file("texts/b.txt", "bb");
  folder.file("texts/c.md", "no");
  const auto packed_file = packed("gzip", folder.file("d.txt", "dd"));
  SKIP_WITHOUT(packed_file, "gzip");
  prepare_dataset({.sources = {folder / "texts/*.txt", packed_file},
                   .output = folder / "out",
                   .tokenizer = "byte",
                   .val_fraction = 0});
  const Dataset data = open(folder / "out");
  CHECK(documents_of(data.train, data) == std::vector<std::string>{"aa", "bb", "dd"});
  CHECK(error_of([&] {
          prepare_dataset({.sources = {folder / "texts/*.rst"}, .output = folder / "x"});
        }).id == "data.missing");
}

TEST_CASE("statistics count what is there") {
  const ScratchFolder folder;
  PrepareOptions options = line_options(folder.file("t.txt", "aaab\naabb\n"), folder / "out");
  options.val_fraction = 0;
  prepare_dataset(options);
  const Dataset data = open(folder / "out");
  const TokenStatistics found = token_statistics(data.train, *data.tokenizer);
  CHECK(found.tokens == 10);
  CHECK(found.documents == 2);
  CHECK(found.text_bytes == 8);
  CHECK(found.used == 3);
  CHECK(found.most_frequent[0] == std::make_pair(int32_t{'a'}, int64_t{5}));
  // 5, 3 and 2 of 10.
  CHECK(found.bits_per_token == Approx(0.5 * 1 + 0.3 * 1.7369656 + 0.2 * 2.3219281));
  CHECK(beginning_of(data.train, *data.tokenizer, 4) == "aaa");
}
