// Tests of data/documents.h and data/byte_source.h.
#include "data/documents.h"

#include <algorithm>

#include "data/utf8.h"
#include "tests/data/data_test_files.h"
#include "tests/data/packed_files.h"
#include "tests/data/random_text.h"

using namespace causeway;
using namespace causeway::test;

namespace {

/// All documents, put together again from their pieces.
std::vector<std::string> read_all(const std::vector<SourceFile>& files,
                                  const DocumentOptions& options = {},
                                  const DocumentReader::Cut& cut = code_point_border) {
  DocumentReader reader(files, options, cut);
  std::vector<std::string> documents;
  bool open = false;
  for (TextBatch batch; reader.next(batch);)
    for (const TextPiece& piece : batch.pieces) {
      REQUIRE(piece.first == !open);
      if (piece.first) documents.emplace_back();
      REQUIRE(piece.document == static_cast<int64_t>(documents.size()) - 1);
      REQUIRE(piece.offset == documents.back().size());
      documents.back() += batch.of(piece);
      open = !piece.last;
    }
  CHECK(!open);
  CHECK(reader.documents() == static_cast<int64_t>(documents.size()));
  return documents;
}

using Documents = std::vector<std::string>;

}  // namespace

TEST_CASE("a file, its lines, what stands between separators: each can be a document") {
  const ScratchFolder folder;
  const std::string text = "one\n\ntwo<|x|>three\n<|x|><|x|>four";
  const std::vector<SourceFile> file = {{folder.file("a.txt", text)}};
  CHECK(read_all(file) == Documents{text});
  CHECK(read_all(file, {.unit = DocumentUnit::Line}) ==
        Documents{"one", "two<|x|>three", "<|x|><|x|>four"});
  CHECK(read_all(file, {.unit = DocumentUnit::Separator, .separator = "<|x|>"}) ==
        Documents{"one\n\ntwo", "three\n", "four"});
  CHECK(error_of([&] { read_all(file, {.unit = DocumentUnit::Separator}); }).id ==
        "usage.separator");
}

TEST_CASE("documents go on in the next file's numbers, empty files are none") {
  const ScratchFolder folder;
  const std::vector<SourceFile> files = {
      {folder.file("a", "aa")}, {folder.file("b", "")}, {folder.file("c", "c\nd\n")}};
  CHECK(read_all(files) == Documents{"aa", "c\nd\n"});
  CHECK(read_all(files, {.unit = DocumentUnit::Line}) == Documents{"aa", "c", "d"});
}

TEST_CASE("JSON lines give the field asked for, and an error names the line") {
  const ScratchFolder folder;
  const std::string lines =
      "{\"text\": \"caf\\u00e9\\n\", \"id\": 1}\n\n{\"id\": 2, \"text\": \"two\"}\n{\"text\": "
      "\"\"}\n";
  const std::vector<SourceFile> file = {{folder.file("a.jsonl", lines)}};
  CHECK(read_all(file) == Documents{"caf\u00e9\n", "two"});
  const DocumentOptions title{.unit = DocumentUnit::Json, .field = "title"};
  const auto missing = error_of([&] { read_all(file, title); });
  CHECK(missing.where == folder / "a.jsonl:1");
  CHECK(has(missing.what, "\"title\" is missing"));
  const std::vector<SourceFile> broken = {{folder.file("b.jsonl", lines + "{\"text\"\n")}};
  CHECK(has(error_of([&] { read_all(broken); }).where, "b.jsonl:5"));
  const std::vector<SourceFile> list = {{folder.file("c.jsonl", "[1]\n")}};
  CHECK(has(error_of([&] { read_all(list); }).what, "no object"));
}

TEST_CASE("a long document comes in parts, cut only where it may be, and is whole behind") {
  const ScratchFolder folder;
  const std::string text = long_random_text(5'000'000);
  const std::vector<SourceFile> file = {{folder.file("a.txt", text)}};
  CHECK(read_all(file) == Documents{text});
  CHECK(read_all(file, {}, [](std::string_view, size_t) { return size_t{0}; }) == Documents{text});
  // Separators may lie on any border between two reads.
  const std::string separator = "<|some separator|>";
  std::string joined;
  Documents expected;
  for (uint64_t i = 0; joined.size() < 3'000'000; ++i) {
    Dice dice(i);
    expected.push_back(std::string(1 + dice.below(200'000), static_cast<char>('a' + i % 26)));
    joined += expected.back() + separator;
  }
  const std::vector<SourceFile> several = {{folder.file("b.txt", joined)}};
  CHECK(read_all(several, {.unit = DocumentUnit::Separator, .separator = separator}) == expected);
}

TEST_CASE("packed files read as what they hold, whatever their name; cut ones are refused") {
  const std::string packer = GENERATE("gzip", "zstd");
  const ScratchFolder folder;
  const std::string text = long_random_text(5'000'000);
  const auto path = packed(packer, folder.file("a.txt", text));
  SKIP_WITHOUT(path, packer);
  CHECK(read_all({{path}}) == Documents{text});
  const std::string bytes = slurp(path);
  CHECK(read_all({{folder.file("twice", bytes + bytes)}}) == Documents{text + text});
  const auto cut = folder.file("cut", bytes.substr(0, bytes.size() / 2));
  CHECK(error_of([&] { read_all({{cut}}); }).id == "data.truncated");
  std::string flipped = bytes;
  for (size_t i = flipped.size() / 2; i < flipped.size() / 2 + 64; ++i) flipped[i] ^= '\x55';
  const auto damaged = folder.file("flipped", flipped);
  CHECK(error_of([&] { read_all({{damaged}}); }).id == "data.corrupt");
}

TEST_CASE("a file that is no text, or not there, is refused") {
  const ScratchFolder folder;
  const auto picture = folder.file("p.png", std::string("PNG\0\0", 5));
  CHECK(error_of([&] { read_all({{picture}}); }).id == "data.not_text");
  CHECK(error_of([&] { read_all({{folder / "none"}}); }).id == "data.missing");
}
