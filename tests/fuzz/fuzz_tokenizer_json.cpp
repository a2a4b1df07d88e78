// Fuzz target: any tokenizer.json. One that is taken must give back every byte.
#include "data/bpe.h"
#include "data/tokenizer.h"
#include "tests/fuzz/fuzz.h"

namespace causeway::fuzz {

std::vector<std::string> seeds() {
  BpeVocab vocab;
  for (const unsigned char byte : byte_level_order())
    vocab.tokens.emplace_back(1, static_cast<char>(byte));
  const auto merge = [&](int32_t left, int32_t right) {
    vocab.merges.emplace_back(left, right);
    vocab.tokens.push_back(vocab.tokens[static_cast<size_t>(left)] +
                           vocab.tokens[static_cast<size_t>(right)]);
  };
  merge(64, 65), merge(256, 256), merge(220, 257);
  vocab.added = {{"<|endoftext|>", 259}, {"<tag>", 260, false}};
  vocab.tokens.resize(261);
  std::vector<std::string> files;
  for (const char* pattern : {"gpt2", "o200k", "\\w+|\\W"}) {
    vocab.pattern = pattern;
    files.push_back(make_bpe_tokenizer(vocab, "seed")->to_json());
  }
  files.push_back(make_byte_tokenizer(EndOfText::Yes)->to_json());
  files.push_back(make_char_tokenizer({U'a', U'é', U'中'}, EndOfText::No)->to_json());
  return files;
}

void run(std::string_view input) {
  expect_result_or_error([&] {
    const auto tokenizer = parse_tokenizer_json(input, "input");
    if (tokenizer->kind() == TokenizerKind::Char) return;  // refuses other characters
    const std::string text = std::string("abab <tag><|endoftext|> caf\xC3\xA9 \xFF\n  x");
    const std::string back = tokenizer->decode(tokenizer->encode(text));
    // llama2.c's puts a space in front; the library's files may hold <tag> as a special token.
    if (tokenizer->kind() != TokenizerKind::ScoreBpe)
      require(back == text, "other text comes back");
    const auto again = parse_tokenizer_json(tokenizer->to_json(), "again");
    require(again->hash() == tokenizer->hash(), "it changes on its way through a file");
  });
}

}  // namespace causeway::fuzz
