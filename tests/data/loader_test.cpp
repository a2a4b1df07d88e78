// Tests of data/loader.h.
#include "data/loader.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/data/data_test_files.h"

using namespace causeway;
using namespace causeway::test;

namespace {

/// Tokens 0, 1, 2, ..., so that a token is its own place, cut into shards of the given sizes.
struct CountingFiles {
  ScratchFolder folder;
  TokenFiles files;

  explicit CountingFiles(const std::vector<size_t>& shards) {
    std::vector<std::filesystem::path> paths;
    uint16_t next = 0;
    for (size_t i = 0; i < shards.size(); ++i) {
      std::vector<uint16_t> tokens(shards[i]);
      for (uint16_t& token : tokens) token = next++;
      paths.push_back(folder.file("train_" + std::to_string(i) + ".bin", llmc_shard(tokens)));
    }
    files = TokenFiles(paths, 65536);
  }
};

/// A single file with these tokens.
TokenFiles files_of(const ScratchFolder& folder, const std::vector<uint16_t>& tokens) {
  return TokenFiles({folder.file("train.bin", llmc_shard(tokens))}, 65536);
}

}  // namespace

TEST_CASE("a row is T consecutive tokens and its targets the next ones, across shard borders") {
  const CountingFiles data({100, 1, 0, 37, 500, 3});
  const Loader loader(data.files, 1, 4, 16);
  HostBatch batch(4, 16);
  for (int64_t i = 0; i < 50; ++i) {
    loader.fill(i, batch);
    for (size_t k = 0; k < 64; ++k) {
      const int32_t first = batch.tokens[k / 16 * 16];
      CHECK(batch.tokens[k] == first + static_cast<int32_t>(k % 16));
      CHECK(batch.targets[k] == batch.tokens[k] + 1);
    }
  }
}

TEST_CASE("within an epoch every window comes once and no token is read into two windows") {
  const CountingFiles data({641 + 3});
  const int64_t T = 16, B = 1;
  const Loader loader(data.files, 9, B, T);
  REQUIRE(loader.windows() == (644 - 16) / 16);
  HostBatch batch(B, T);
  for (int64_t epoch = 0; epoch < 5; ++epoch) {
    std::set<int32_t> seen;
    for (int64_t k = 0; k < loader.windows(); ++k) {
      loader.fill(epoch * loader.windows() + k, batch);
      for (const int32_t token : batch.tokens) CHECK(seen.insert(token).second);
    }
    CHECK(static_cast<int64_t>(seen.size()) == loader.windows() * T);
  }
}

TEST_CASE("window starts keep to the law of positions: shift in [0, T), last token inside") {
  for (const int64_t n : {32, 33, 47, 48, 1000, 1007}) {
    const CountingFiles data({static_cast<size_t>(n)});
    const Loader loader(data.files, 3, 2, 16);
    const int64_t W = loader.windows();
    CHECK(W == (n - 16) / 16);
    std::set<int64_t> shifts;
    for (int64_t g = 0; g < 40 * W; ++g) {
      const int64_t start = loader.window_start(g);
      CHECK(start >= 0);
      CHECK(start + 16 + 1 <= n);
      shifts.insert(start % 16);
    }
    CHECK(shifts.size() > 8);  // 40 draws of 16: fewer than nine has a chance below 1e-6
  }
}

TEST_CASE("epochs differ in order and shift, and so do seeds") {
  const CountingFiles data({2000});
  const Loader a(data.files, 1, 1, 8), b(data.files, 2, 1, 8);
  const auto starts = [](const Loader& loader, int64_t epoch) {
    std::vector<int64_t> result;
    for (int64_t k = 0; k < loader.windows(); ++k)
      result.push_back(loader.window_start(epoch * loader.windows() + k));
    return result;
  };
  CHECK(starts(a, 0) != starts(a, 1));
  CHECK(starts(a, 0) != starts(b, 0));
  CHECK(starts(a, 2) == starts(Loader(data.files, 1, 5, 8), 2));  // the batch size plays no part
}

TEST_CASE("any micro-batch can be reached at once, from a loader that never saw the others") {
  const CountingFiles data({1500});
  const Loader walker(data.files, 4, 3, 10);
  HostBatch walked(3, 10), sought(3, 10);
  for (int64_t i = 0; i < 200; ++i) {
    walker.fill(i, walked);
    if (i % 37 != 0) continue;
    Loader(data.files, 4, 3, 10).fill(i, sought);
    CHECK(walked.tokens == sought.tokens);
    CHECK(walked.targets == sought.targets);
  }
  CHECK(walker.epochs(149) == Approx(3.0));  // W = 149, B = 3
}

TEST_CASE("too little data for one window names the block size that fits") {
  const CountingFiles data({127});
  const auto error = error_of([&] { Loader(data.files, 1, 1, 64); });
  CHECK(error.id == "data.too_small");
  CHECK(error.what == "the training split has 127 tokens; block_size 64 needs 128");
  CHECK(has(error.remedy, "block_size of at most 63"));
  CHECK_NOTHROW(Loader(data.files, 1, 1, 63));
  CHECK(error_of([&] { Loader(TokenFiles(), 1, 1, 64); }).id == "data.too_small");
}

TEST_CASE("evaluation counts every token but the first exactly once as a target") {
  for (const size_t n : {2, 7, 8, 9, 16, 17, 33, 64, 65, 100}) {
    const CountingFiles data({n});
    const EvalLoader loader(data.files, 3, 8);
    HostBatch batch(3, 8);
    std::map<int32_t, int> seen;
    int64_t counted = 0;
    for (int64_t i = 0; i < loader.batches(); ++i) {
      const int64_t valid = loader.fill(i, batch);
      CHECK(valid >= 1);
      CHECK(valid == std::count_if(batch.targets.begin(), batch.targets.end(),
                                   [](int32_t target) { return target >= 0; }));
      counted += valid;
      for (size_t k = 0; k < batch.targets.size(); ++k) {
        if (batch.targets[k] < 0) continue;
        CHECK(batch.targets[k] == batch.tokens[k] + 1);
        ++seen[batch.targets[k]];
      }
    }
    INFO("n = " << n);
    CHECK(counted == static_cast<int64_t>(n) - 1);
    CHECK(loader.targets() == counted);
    CHECK(seen.size() == n - 1);
  }
}

TEST_CASE("a validation split without a single target is refused") {
  const CountingFiles data({1});
  const auto error = error_of([&] { EvalLoader(data.files, 1, 8); });
  CHECK(error.id == "data.too_small");
  CHECK(has(error.what, "1 tokens"));
}

TEST_CASE("the separator begins a document: positions restart there") {
  const ScratchFolder folder;
  const auto files = files_of(folder, {1, 2, 9, 3, 4, 5, 9, 9, 6});
  const EvalLoader loader(files, 1, 8, 9);
  HostBatch batch(1, 8);
  loader.fill(0, batch);
  CHECK(batch.segment_start == std::vector<int32_t>{0, 0, 2, 2, 2, 2, 6, 7});
  CHECK(batch.position == std::vector<int32_t>{0, 1, 0, 1, 2, 3, 0, 0});
  EvalLoader(files, 1, 8).fill(0, batch);
  CHECK(batch.segment_start == std::vector<int32_t>(8, 0));
  CHECK(batch.position == std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7});
}
