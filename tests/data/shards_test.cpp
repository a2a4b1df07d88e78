// Tests of data/shards.h.
#include "data/shards.h"

#include "core/hash.h"
#include "tests/data/data_test_files.h"

using namespace causeway;
using namespace causeway::test;

namespace {

std::vector<int32_t> all_of(const TokenFiles& files) {
  std::vector<int32_t> tokens(static_cast<size_t>(files.size()));
  files.read(0, tokens);
  return tokens;
}

}  // namespace

TEST_CASE("shards are read back as written, in both widths and over several files") {
  for (const int64_t vocab : {65536, 65537}) {
    const ScratchFolder folder;
    std::vector<int32_t> tokens;
    for (int32_t i = 0; i < 1000; ++i) tokens.push_back(static_cast<int32_t>(i * 131 % vocab));
    tokens.push_back(static_cast<int32_t>(vocab - 1));
    ShardWriter writer(folder.path(), "train", vocab, 300);
    writer.append(std::span(tokens).first(7));
    writer.append(std::span(tokens).subspan(7));
    const auto records = writer.finish();
    REQUIRE(records.size() == 4);
    std::vector<std::filesystem::path> paths;
    for (const auto& record : records) {
      paths.push_back(folder / record.name);
      CHECK(static_cast<int64_t>(std::filesystem::file_size(paths.back())) == record.bytes);
      CHECK(hash_file(paths.back()) == record.hash);
    }
    CHECK(records[0].name == "train_000000.bin");
    CHECK(records[3].tokens == 101);
    CHECK(all_of(TokenFiles(paths, vocab)) == tokens);
  }
}

TEST_CASE("what is written for a GPT-2 sized vocabulary is byte for byte an llm.c shard") {
  const ScratchFolder folder;
  ShardWriter writer(folder.path(), "val", 50257);
  writer.append(std::vector<int32_t>{50256, 0, 17});
  writer.finish();
  CHECK(slurp(folder / "val_000000.bin") == llmc_shard({50256, 0, 17}));
}

TEST_CASE("nanoGPT's headerless uint16 is read as it is") {
  const ScratchFolder folder;
  const auto path = folder.file("train.bin", as_bytes<uint16_t>({5, 65535, 3}));
  CHECK(Shard(path).layout() == ShardLayout::RawU16);
  CHECK(all_of(TokenFiles({path}, 65536)) == std::vector<int32_t>{5, 65535, 3});
}

TEST_CASE("llm.c's uint32 shards are read as they are") {
  const ScratchFolder folder;
  std::vector<int32_t> file(256);
  file[0] = 20240801, file[1] = 7, file[2] = 2;
  file.push_back(128000), file.push_back(1);
  const auto path = folder.file("train.bin", as_bytes(file));
  CHECK(Shard(path).layout() == ShardLayout::U32);
  CHECK(all_of(TokenFiles({path}, 128256)) == std::vector<int32_t>{128000, 1});
}

TEST_CASE("a truncated shard says what the header promised and what is there") {
  const ScratchFolder folder;
  std::string bytes = llmc_shard(std::vector<uint16_t>(5000));
  bytes.resize(bytes.size() - 1000);
  const auto path = folder.file("train_000017.bin", bytes);
  const auto error = error_of([&] { Shard{path}; });
  CHECK(error.id == "data.truncated");
  CHECK(error.where == path.string());
  CHECK(error.what == "header says 5,000 tokens (11,024 bytes), file has 10,024");
  CHECK(has(error.remedy, "causeway data verify " + folder.path().string()));
}

TEST_CASE("a shard longer than its header says is refused too") {
  const ScratchFolder folder;
  const auto path = folder.file("train.bin", llmc_shard({1, 2, 3}) + "xx");
  CHECK(has(error_of([&] { Shard{path}; }).what, "header says 3 tokens (1,030 bytes)"));
}

TEST_CASE("damaged headers are refused before anything is read by them") {
  const ScratchFolder folder;
  const auto with = [&](int32_t version, int32_t count) {
    std::vector<int32_t> header(256);
    header[0] = 20240520, header[1] = version, header[2] = count;
    const auto path = folder.file("train.bin", as_bytes(header));
    return error_of([&] { Shard{path}; });
  };
  CHECK(has(with(2, 0).what, "version 2 of this format, we know 1"));
  CHECK(has(with(1, -5).what, "header says -5 tokens"));
  CHECK(with(1, INT32_MAX).id == "data.truncated");
  const auto odd = folder.file("odd.bin", "abc");
  CHECK(has(error_of([&] { Shard{odd}; }).what, "3 bytes are no whole number of uint16 tokens"));
  const auto empty = folder.file("empty.bin", "");
  CHECK(error_of([&] { Shard{empty}; }).id == "data.corrupt");
  // Only the head of a header: 12 bytes with the magic.
  const auto cut = folder.file("cut.bin", as_bytes<int32_t>({20240520, 1, 0}));
  CHECK(error_of([&] { Shard{cut}; }).id == "data.truncated");
}

TEST_CASE("a missing token file is named") {
  const ScratchFolder folder;
  const auto error = error_of([&] { Shard{folder / "none.bin"}; });
  CHECK(error.id == "data.missing");
  CHECK(has(error.where, "none.bin"));
}

TEST_CASE("a token outside the vocabulary is an error with its file and place") {
  const ScratchFolder folder;
  const auto first = folder.file("train_0.bin", llmc_shard({1, 2, 3}));
  const auto second = folder.file("train_1.bin", llmc_shard({4, 99, 5}));
  const TokenFiles files({first, second}, 99);
  std::vector<int32_t> tokens(4);
  files.read(0, tokens);
  const auto error = error_of([&] { files.read(1, tokens); });
  CHECK(error.id == "data.token_out_of_range");
  CHECK(error.where == second.string());
  CHECK(error.what == "token 1 is 99, the vocabulary has 99");
  // Ids past int32 are no way around the check.
  std::vector<int32_t> wide(256);
  wide[0] = 20240801, wide[1] = 7, wide[2] = 1;
  wide.push_back(-1);
  const auto path = folder.file("train_2.bin", as_bytes(wide));
  CHECK(has(error_of([&] { all_of(TokenFiles({path}, 99)); }).what, "is 4294967295"));
}
