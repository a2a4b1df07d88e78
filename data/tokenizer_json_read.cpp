// Reading tokenizer.json: our kinds, recognised by their parts, and nothing by guessing.
// Read next: bpe_json.cpp, score_bpe.cpp.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "core/error.h"
#include "core/json.h"
#include "data/bpe_json.h"
#include "data/tokenizer_json.h"
#include "data/utf8.h"

namespace causeway {

namespace {

[[noreturn]] void corrupt(const std::string& where, const std::string& what) {
  throw Error({.id = "tokenizer.corrupt",
               .where = where,
               .what = what,
               .remedy = "take the file from the folder it was made in, or make the data anew with "
                         "`causeway data prepare`"});
}

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Error({.id = "tokenizer.unsupported",
               .where = where,
               .what = what,
               .remedy = "read here: byte and char tokenizers as Causeway writes them, byte-level "
                         "BPE, and sentencepiece-like BPE with byte fallback"});
}

/// The vocabulary by id; every id from 0 on must be there once.
std::vector<std::string> tokens_by_id(const SortedJson& model, const std::string& where) {
  const SortedJson& vocab = model.at("vocab");
  if (!vocab.is_object()) corrupt(where, "\"vocab\" is no object");
  std::vector<std::string> tokens(vocab.size());
  std::vector<bool> seen(vocab.size());
  for (const auto& item : vocab.items()) {
    const int64_t id = item.value().is_number_integer() ? item.value().get<int64_t>() : -1;
    if (id < 0 || id >= static_cast<int64_t>(tokens.size()) || seen[static_cast<size_t>(id)])
      corrupt(where, fmt::format("ids of {} tokens are not 0 ... {}", tokens.size(),
                                 static_cast<int64_t>(tokens.size()) - 1));
    seen[static_cast<size_t>(id)] = true;
    tokens[static_cast<size_t>(id)] = item.key();
  }
  return tokens;
}

/// <|endoftext|> among the added tokens; its id must follow those of the vocabulary.
EndOfText end_of_text_in(const SortedJson& file, size_t vocab, const std::string& where) {
  EndOfText found = EndOfText::No;
  for (const SortedJson& token : file.at("added_tokens")) {
    if (token.at("content") != kEndOfTextName)
      unsupported(where, "added token " + token.at("content").dump());
    if (token.at("id") != vocab) corrupt(where, fmt::format("<|endoftext|> is not id {}", vocab));
    found = EndOfText::Yes;
  }
  return found;
}

std::unique_ptr<Tokenizer> read_byte(const SortedJson& file, const std::string& where) {
  const auto tokens = tokens_by_id(file.at("model"), where);
  bool bytes = tokens.size() == 256;
  for (int b = 0; bytes && b < 256; ++b)
    bytes = tokens[static_cast<size_t>(b)] == to_utf8(byte_level_character(b));
  if (!bytes) unsupported(where, "a byte-level vocabulary whose ids are not the 256 bytes");
  return make_byte_tokenizer(end_of_text_in(file, tokens.size(), where));
}

std::unique_ptr<Tokenizer> read_char(const SortedJson& file, const std::string& where) {
  const auto tokens = tokens_by_id(file.at("model"), where);
  std::vector<char32_t> alphabet;
  for (const std::string& token : tokens) {
    const CodePoint c = token.empty() ? CodePoint{} : code_point_at(token, 0);
    if (c.length == 0 || c.length != token.size())
      unsupported(where, fmt::format("token {} is no single character, and there are no merges",
                                     alphabet.size()));
    if (!alphabet.empty() && alphabet.back() >= c.value)
      unsupported(where, "characters whose ids are not in the order of Unicode");
    alphabet.push_back(c.value);
  }
  if (alphabet.empty()) corrupt(where, "no characters in it");
  return make_char_tokenizer(alphabet, end_of_text_in(file, tokens.size(), where));
}

/// "left right", or ["left", "right"] as newer versions of the format have it.
std::string merge_result(const SortedJson& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2)
    return merge[0].get<std::string>() + merge[1].get<std::string>();
  const auto line = merge.get<std::string>();
  const size_t space = line.find(' ');
  if (space == std::string::npos) corrupt(where, "merge without a space: " + merge.dump());
  return line.substr(0, space) + line.substr(space + 1);
}

std::unique_ptr<Tokenizer> read_score_bpe(const SortedJson& file, const std::string& where) {
  const SortedJson& model = file.at("model");
  ScoreBpeVocab vocab{.pieces = tokens_by_id(model, where), .rank = {}};
  vocab.rank.assign(vocab.pieces.size(), kNeverMerged);
  std::unordered_map<std::string, size_t> id_of;
  for (size_t id = 0; id < vocab.pieces.size(); ++id) id_of.emplace(vocab.pieces[id], id);
  int32_t next_rank = 0;
  for (const SortedJson& merge : model.at("merges")) {
    const auto found = id_of.find(merge_result(merge, where));
    if (found == id_of.end()) corrupt(where, "merge that makes no token: " + merge.dump());
    int32_t& rank = vocab.rank[found->second];
    rank = std::min(rank, next_rank++);
  }
  for (std::string& piece : vocab.pieces) piece = replaced(piece, kSpaceMark, " ");
  return make_score_bpe_tokenizer(std::move(vocab), where);
}

bool is_type(const SortedJson& part, std::string_view type) {
  return part.is_object() && part.value("type", "") == type;
}

bool is_byte_tokenizer(const SortedJson& file) {
  const SortedJson& pre_tokenizer = file.at("pre_tokenizer");
  return file.at("model").at("merges").empty() && is_type(pre_tokenizer, "ByteLevel") &&
         !pre_tokenizer.value("use_regex", true);
}

std::unique_ptr<Tokenizer> read_by_kind(const SortedJson& file, const std::string& where) {
  const SortedJson& model = file.at("model");
  const SortedJson& normalizer = file.at("normalizer");
  const SortedJson& pre_tokenizer = file.at("pre_tokenizer");
  if (model.value("type", "BPE") != "BPE")
    unsupported(where, "a tokenizer of model " + model.at("type").dump());
  const bool has_merges = !model.at("merges").empty();
  if (is_byte_tokenizer(file)) return read_byte(file, where);
  if (!has_merges && pre_tokenizer.is_null() && normalizer.is_null()) return read_char(file, where);
  if (has_merges && model.value("byte_fallback", false) && pre_tokenizer.is_null() &&
      is_type(normalizer, "Sequence"))
    return read_score_bpe(file, where);
  if (is_type(pre_tokenizer, "ByteLevel") || is_type(pre_tokenizer, "Sequence"))
    return read_bpe_json(file, where);
  unsupported(where, "a BPE tokenizer of a kind that this version does not read");
}

}  // namespace

std::unique_ptr<Tokenizer> parse_tokenizer_json(std::string_view json, const std::string& where) {
  try {
    return read_by_kind(parse_sorted_json(json, where), where);
  } catch (const SortedJson::exception& e) {
    corrupt(where, fmt::format("not a tokenizer.json: {}", e.what()));
  }
}

}  // namespace causeway
