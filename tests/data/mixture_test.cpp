// Tests of data/mixture.h, and of the loader's law for mixtures.
#include "data/mixture.h"

#include <map>
#include <set>

#include "data/prepare.h"
#include "tests/data/data_test_files.h"

using namespace causeway;
using namespace causeway::test;

namespace {

/// Three sets of 1000, 500 and 2000 tokens; a token is its own place.
struct ThreeSets {
  ScratchFolder folder;
  TokenFiles files;
  std::vector<MixturePart> mixture = {{0, 1000, 5}, {1000, 1500, 2.5}, {1500, 3500, 2.5}};

  ThreeSets() {
    std::vector<uint16_t> tokens(3500);
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<uint16_t>(i);
    files = TokenFiles({folder.file("train.bin", llmc_shard(tokens))}, 65536);
  }
  size_t set_of(int64_t token) const { return token < 1000 ? 0 : token < 1500 ? 1 : 2; }
};

}  // namespace

TEST_CASE("each set of a mixture has its share of every 1,024 sequences, in no fixed order") {
  const ThreeSets data;
  const Loader loader(data.files, 3, 1, 16, {}, data.mixture);
  std::vector<size_t> first, second;
  for (int64_t block = 0; block < 3; ++block) {
    std::map<size_t, int> counts;
    for (int64_t k = 0; k < 1024; ++k) {
      const size_t set = data.set_of(loader.window_start(block * 1024 + k));
      ++counts[set];
      if (block < 2) (block == 0 ? first : second).push_back(set);
    }
    CHECK(counts[0] == 512);
    CHECK(counts[1] == 256);
    CHECK(counts[2] == 256);
  }
  CHECK(first != second);
}

TEST_CASE("within a set, the mixture reads the windows that the set alone would give") {
  const ThreeSets data;
  const int64_t T = 16;
  const Loader mixed(data.files, 3, 1, T, {}, data.mixture);
  // The third set alone: 2000 tokens, W = 124; in an order of chance within each block's share.
  const std::vector<MixturePart> alone_part = {{1500, 3500, 1}};
  const Loader alone(data.files, 3, 1, T, {}, alone_part);
  std::multiset<int64_t> expected, found;
  for (int64_t i = 0; i < 512; ++i) expected.insert(alone.window_start(i));
  HostBatch batch(1, T);
  for (int64_t g = 0; g < 2048; ++g) {
    mixed.fill(g, batch);
    const int64_t start = mixed.window_start(g);
    REQUIRE(batch.tokens[0] == start);
    // The last target is still of this set.
    REQUIRE(data.set_of(start) == data.set_of(start + T));
    if (data.set_of(start) == 2) found.insert(start);
  }
  CHECK(found == expected);
  CHECK(mixed.windows() == (1000 - T) / T + (500 - T) / T + (2000 - T) / T);
}

TEST_CASE("a set too small for a window, or with too small a weight, is refused") {
  const ThreeSets data;
  const std::vector<MixturePart> tiny = {{0, 1000, 1}, {1000, 1020, 1}};
  CHECK(error_of([&] { Loader(data.files, 3, 1, 16, {}, tiny); }).id == "data.too_small");
  const std::vector<MixturePart> light = {{0, 1000, 1}, {1000, 3500, 1e-5}};
  CHECK(error_of([&] { Loader(data.files, 3, 1, 16, {}, light); }).id == "data.mixture");
}

TEST_CASE("data.source names a mixture by weights, of one tokenizer") {
  const ScratchFolder folder;
  const auto prepare = [&](const std::string& name, const std::string& text) {
    prepare_dataset({.sources = {folder.file(name + ".txt", text)},
                     .output = folder / name,
                     .tokenizer = "byte"});
  };
  prepare("a", std::string(1000, 'a'));
  prepare("b", std::string(2000, 'b'));
  prepare_dataset({.sources = {folder / "a.txt"}, .output = folder / "c", .tokenizer = "char"});
  const auto open = [&](const std::string& source) {
    DataConfig config;
    config.source = source;
    return open_dataset(config, folder / "cache", {});
  };
  const std::string a = (folder / "a").string(), b = (folder / "b").string();
  const Dataset data = open("0.25*" + a + " + 0.75 * " + b);
  CHECK(data.train.size() == 900 + 1800);
  CHECK(data.val.size() == 100 + 200);
  REQUIRE(data.mixture.size() == 2);
  CHECK(data.mixture[1].begin == 900);
  CHECK(data.mixture[1].end == 2700);
  CHECK(data.mixture[1].weight == 0.75);
  CHECK(data.content_hash != open("0.5*" + a + " + 0.5*" + b).content_hash);
  CHECK(data.content_hash == open("0.25*" + a + " + 0.75*" + b).content_hash);
  CHECK(open(a).mixture.empty());
  const auto error = [&](const std::string& source) { return error_of([&] { open(source); }); };
  CHECK(error("1*" + a + " + 1*" + (folder / "c").string()).id == "data.mixture");
  CHECK(has(error("1*" + a + " + " + b).what, "has no weight"));
  CHECK(has(error("x*" + a + " + 1*" + b).what, "\"x\" is no weight"));
  CHECK(has(error("0*" + a + " + 1*" + b).what, "\"0\" is no weight"));
  CHECK(error("1*" + a + " + 1*" + (folder / "none").string()).id == "data.missing");
}
