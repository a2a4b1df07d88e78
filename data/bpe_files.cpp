// See bpe_files.h.
#include "data/bpe_files.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "core/file.h"
#include "data/bpe_json.h"
#include "data/tokenizer_json.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

/// Calls line(text, number) for each line that is not empty, from number 1.
template <class Line>
void for_lines(std::string_view text, const Line& line) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
    ++number;
    if (!one.empty()) line(one, number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

struct Encoding {
  std::string_view name, pattern;
  std::vector<AddedToken> special;
};

/// What tiktoken's program knows of its files.
const std::vector<Encoding>& encodings() {
  static const std::vector<Encoding> known = {
      {"cl100k",
       "cl100k",
       {{"<|endoftext|>", 100257},
        {"<|fim_prefix|>", 100258},
        {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260},
        {"<|endofprompt|>", 100276}}},
      {"o200k", "o200k", {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
      {"r50k", "gpt2", {{"<|endoftext|>", 50256}}},
      {"p50k", "gpt2", {{"<|endoftext|>", 50256}}},
      {"gpt2", "gpt2", {{"<|endoftext|>", 50256}}},
  };
  return known;
}

std::string base64_bytes(std::string_view text, const std::string& where) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos)
      throw_corrupt_bpe(where, "this is no line of \"BASE64 RANK\"");
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFF);
  }
  return bytes;
}

}  // namespace

std::unique_ptr<Tokenizer> load_gpt2_files(const fs::path& vocab_path,
                                           const fs::path& merges_path) {
  // The same as a tokenizer.json of GPT-2's kind, in two files.
  const std::string where = vocab_path.string();
  SortedJson file = {{"added_tokens", SortedJson::array()},
                     {"normalizer", nullptr},
                     {"pre_tokenizer", {{"type", "ByteLevel"}, {"use_regex", true}}},
                     {"model", {{"type", "BPE"}, {"merges", SortedJson::array()}}}};
  SortedJson names = parse_sorted_json(read_file(vocab_path), where);
  if (!names.is_object()) throw_corrupt_bpe(where, "expected names with their ids");
  const auto end = names.find(std::string(kEndOfTextName));
  if (end != names.end())
    file["added_tokens"].push_back({{"content", kEndOfTextName}, {"id", *end}, {"special", true}});
  file["model"]["vocab"] = std::move(names);
  for_lines(read_file(merges_path), [&](std::string_view line, size_t number) {
    if (number == 1 && line.rfind("#version", 0) == 0) return;
    file["model"]["merges"].push_back(line);
  });
  try {
    return read_bpe_json(file, where);
  } catch (const SortedJson::exception& e) {
    throw_corrupt_bpe(where, fmt::format("not GPT-2's vocabulary: {}", e.what()));
  }
}

std::unique_ptr<Tokenizer> load_tiktoken(const fs::path& path) {
  const std::string name = path.filename().string();
  const auto encoding = std::find_if(
      encodings().begin(), encodings().end(),
      [&](const Encoding& candidate) { return name.find(candidate.name) != std::string::npos; });
  if (encoding == encodings().end())
    throw Error({.id = "tokenizer.unknown_encoding",
                 .where = path.string(),
                 .what = "a rank file says neither its pattern nor its special tokens",
                 .remedy = "name it after its encoding: r50k_base.tiktoken, cl100k_base.tiktoken, "
                           "o200k_base.tiktoken; or use the model's tokenizer.json"});
  BpeVocab vocab{.added = encoding->special,
                 .pattern = std::string(encoding->pattern),
                 .whole_pieces = WholePieces::Yes};
  for_lines(read_file(path), [&](std::string_view line, size_t number) {
    const std::string where = fmt::format("{}:{}", path.string(), number);
    const size_t space = std::min(line.find(' '), line.size());
    size_t rank = 0;
    const char* last = line.data() + line.size();
    const auto read = std::from_chars(line.data() + std::min(space + 1, line.size()), last, rank);
    if (read.ec != std::errc() || read.ptr != last || rank != vocab.tokens.size())
      throw_corrupt_bpe(where, fmt::format("expected \"BASE64 {}\"", vocab.tokens.size()));
    vocab.tokens.push_back(base64_bytes(line.substr(0, space), where));
    if (vocab.tokens.back().empty()) throw_corrupt_bpe(where, "a token of no bytes");
  });
  const int32_t last_special = vocab.added.back().id;
  if (vocab.tokens.size() > static_cast<size_t>(vocab.added.front().id))
    throw_corrupt_bpe(path.string(), fmt::format("{} ranks; {} has {}", vocab.tokens.size(),
                                                 encoding->name, vocab.added.front().id));
  vocab.merges = merges_of_ranks(vocab.tokens);
  vocab.tokens.resize(static_cast<size_t>(last_special) + 1);
  return make_bpe_tokenizer(std::move(vocab), path.string());
}

}  // namespace causeway
