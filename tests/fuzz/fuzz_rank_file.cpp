// Fuzz target: any rank file of tiktoken, and any pair of GPT-2's files.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "data/bpe.h"
#include "data/bpe_files.h"
#include "tests/fuzz/fuzz.h"

namespace causeway::fuzz {

namespace {

const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    auto made = std::filesystem::temp_directory_path() / fmt::format("causeway-fuzz-{}", getpid());
    std::filesystem::create_directories(made);
    return made;
  }();
  return path;
}

std::filesystem::path file(const char* name, std::string_view bytes) {
  std::ofstream(folder() / name, std::ios::binary) << bytes;
  return folder() / name;
}

}  // namespace

std::vector<std::string> seeds() {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string ranks, names = "{", merges = "#version: 0.2\na b\nb c\n";
  const std::vector<unsigned char> order = byte_level_order();
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const size_t bits = static_cast<size_t>(order[rank]) << 4;
    ranks += fmt::format("{}{}== {}\n", kDigits[bits >> 6], kDigits[bits & 63], rank);
  }
  ranks += "YWI= 256\nYWJhYg== 257\n";
  for (const char c : {'a', 'b', 'c'}) names += fmt::format("\"{}\": {}, ", c, c - 'a');
  return {ranks, names + "\"<|endoftext|>\": 3}", merges};
}

void run(std::string_view input) {
  expect_result_or_error([&] {
    const auto tokenizer = load_tiktoken(file("cl100k.tiktoken", input));
    const std::string text = "abab, baba \xFF";
    require(tokenizer->decode(tokenizer->encode(text)) == text, "other text comes back");
  });
  const auto merges = file("vocab.bpe", input);
  expect_result_or_error([&] { load_gpt2_files(file("encoder.json", input), merges); });
}

}  // namespace causeway::fuzz
