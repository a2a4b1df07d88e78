// Fuzz target: any bytes as a source of documents, packed or not. A plain file comes back whole.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "data/documents.h"
#include "data/utf8.h"
#include "tests/data/packed_files.h"
#include "tests/data/random_text.h"
#include "tests/fuzz/fuzz.h"

namespace causeway::fuzz {

namespace {

namespace fs = std::filesystem;

const fs::path& place() {
  static const fs::path path =
      fs::temp_directory_path() / fmt::format("causeway-fuzz-{}.txt", getpid());
  return path;
}

void write(std::string_view bytes) { std::ofstream(place(), std::ios::binary) << bytes; }

std::string read(const DocumentOptions& options) {
  const std::vector<SourceFile> files = {{place()}};
  DocumentReader reader(files, options, code_point_border);
  std::string all;
  for (TextBatch batch; reader.next(batch);) all += batch.text;
  return all;
}

}  // namespace

std::vector<std::string> seeds() {
  std::vector<std::string> inputs = {"{\"text\": \"caf\\u00e9\"}\n{\"text\": \"two\", \"n\": 1}\n",
                                     "one\ntwo\n\nthree"};
  write(test::long_random_text(3000));
  for (const char* packer : {"gzip", "zstd"}) {
    const fs::path packed = test::packed(packer, place());
    if (packed.empty()) continue;
    std::ifstream in(packed, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    fs::remove(packed);
  }
  return inputs;
}

void run(std::string_view input) {
  write(input);
  expect_result_or_error([&] {
    const std::string text = read({.unit = DocumentUnit::File});
    const bool packed =
        input.substr(0, 2) == "\x1F\x8B" || input.substr(0, 4) == "\x28\xB5\x2F\xFD";
    require(packed || text == input, "a plain file comes back otherwise");
  });
  expect_result_or_error([&] { read({.unit = DocumentUnit::Json}); });
  expect_result_or_error([&] { read({.unit = DocumentUnit::Line}); });
  expect_result_or_error([&] { read({.unit = DocumentUnit::Separator, .separator = "wo"}); });
}

}  // namespace causeway::fuzz
