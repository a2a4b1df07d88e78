// See bpe_json.h.
#include "data/bpe_json.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "data/bpe_rules.h"
#include "data/splitter.h"
#include "data/tokenizer_json.h"
#include "data/utf8.h"

namespace causeway {

namespace {

std::string name_of_bytes(std::string_view bytes) {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (int b = 0; b < 256; ++b) list.push_back(to_utf8(byte_level_character(b)));
    return list;
  }();
  std::string name;
  for (const char c : bytes) name += names[static_cast<unsigned char>(c)];
  return name;
}

enum class UseRegex : bool { No, Yes };

Json byte_level(UseRegex use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex == UseRegex::Yes}};
}

/// The library passes over our key "unicode"; it tells by whose tables the text was cut.
Json pre_tokenizer(const BpeVocab& vocab) {
  const Splitter splitter(vocab.pattern);
  const std::string unicode = vocab.unicode.empty() ? unicode_version() : vocab.unicode;
  if (splitter.name() == "gpt2") {
    Json part = byte_level(UseRegex::Yes);
    part["unicode"] = unicode;
    return part;
  }
  Json part = byte_level(UseRegex::No);
  part["unicode"] = unicode;
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", splitter.expression()}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({split, part})}};
}

[[noreturn]] void unsupported(const std::string& where, const std::string& what) {
  throw Error({.id = "tokenizer.unsupported",
               .where = where,
               .what = what,
               .remedy = "docs/tokenizers.md lists what is read; a tokenizer of your own: causeway "
                         "tokenizer train"});
}

bool is_type(const SortedJson& part, std::string_view type) {
  return part.is_object() && part.value("type", "") == type;
}

/// A flag of the format that only means what we do where it is off.
void check_off(const SortedJson& part, const char* key, const std::string& where) {
  const auto found = part.find(key);
  if (found == part.end() || found->is_null() || *found == false || *found == "") return;
  unsupported(where, fmt::format("\"{}\": {}", key, found->dump().substr(0, 60)));
}

struct Pieces {
  std::string pattern, unicode;
};

Pieces pieces_of(const SortedJson& part, const std::string& where) {
  if (is_type(part, "ByteLevel")) {
    check_off(part, "add_prefix_space", where);
    // Without its expression a text is one piece.
    const bool use_regex = part.value("use_regex", true);
    return {use_regex ? "gpt2" : R"((?s:.+))", part.value("unicode", "")};
  }
  const bool sequence = is_type(part, "Sequence") && part.at("pretokenizers").size() == 2;
  if (!sequence || !is_type(part.at("pretokenizers")[0], "Split") ||
      !is_type(part.at("pretokenizers")[1], "ByteLevel"))
    unsupported(where, "pre_tokenizer " + part.dump().substr(0, 200));
  const SortedJson& split = part.at("pretokenizers")[0];
  const SortedJson& bytes = part.at("pretokenizers")[1];
  check_off(split, "invert", where);
  check_off(bytes, "add_prefix_space", where);
  if (bytes.value("use_regex", true)) unsupported(where, "two patterns, one behind the other");
  if (split.value("behavior", "") != "Isolated")
    unsupported(where, "Split behavior " + split.at("behavior").dump());
  if (!split.at("pattern").contains("Regex"))
    unsupported(where, "Split pattern " + split.at("pattern").dump().substr(0, 60));
  return {split.at("pattern").at("Regex").get<std::string>(), bytes.value("unicode", "")};
}

int32_t checked_id(const SortedJson& value, const std::string& where) {
  const auto id = json_as<int32_t>(value);
  if (!id || *id < 0 || *id >= kMostBpeTokens)
    throw_corrupt_bpe(where, fmt::format("a token's id is {}", value.dump().substr(0, 40)));
  return *id;
}

using IdOf = std::unordered_map<std::string, int32_t>;

std::string& place(std::vector<std::string>& tokens, int32_t id) {
  const auto i = static_cast<size_t>(id);
  if (i >= tokens.size()) tokens.resize(i + 1);
  return tokens[i];
}

std::vector<AddedToken> added_tokens(const SortedJson& file, const std::string& where) {
  std::vector<AddedToken> added;
  for (const SortedJson& item : file.at("added_tokens")) {
    for (const char* flag : {"single_word", "lstrip", "rstrip"}) check_off(item, flag, where);
    AddedToken token{item.at("content").get<std::string>(), checked_id(item.at("id"), where),
                     item.value("special", false)};
    if (token.name.empty())
      throw_corrupt_bpe(where, fmt::format("added token {} has no name", token.id));
    added.push_back(std::move(token));
  }
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  return added;
}

/// Fills in tokens and added tokens; the ids of names for the merges.
IdOf read_vocab(const SortedJson& file, BpeVocab& vocab, const std::string& where) {
  vocab.added = added_tokens(file, where);
  std::unordered_map<int32_t, std::string> name_of_added;
  for (const AddedToken& token : vocab.added) {
    if (!name_of_added.emplace(token.id, token.name).second)
      throw_corrupt_bpe(where, fmt::format("two added tokens have id {}", token.id));
    place(vocab.tokens, token.id);
  }
  IdOf id_of;
  for (const auto& item : file.at("model").at("vocab").items()) {
    const int32_t id = checked_id(item.value(), where);
    const auto added = name_of_added.find(id);
    if (added != name_of_added.end() && added->second == item.key()) continue;
    std::string& token = place(vocab.tokens, id);
    if (!token.empty() || added != name_of_added.end())
      throw_corrupt_bpe(where, fmt::format("two tokens have id {}", id));
    token = bytes_of_name(item.key(), where);
    id_of.emplace(item.key(), id);
  }
  return id_of;
}

/// "left right", or ["left", "right"] as newer versions of the format have it.
std::pair<std::string, std::string> halves(const SortedJson& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2)
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  const auto line = merge.get<std::string>();
  const size_t space = line.find(' ');
  if (space == std::string::npos)
    throw_corrupt_bpe(where, "merge without a space: " + merge.dump());
  return {line.substr(0, space), line.substr(space + 1)};
}

}  // namespace

std::string bytes_of_name(std::string_view name, const std::string& where) {
  constexpr size_t kCharacters = 0x144;  // the last one is U+0143
  static const std::array<int16_t, kCharacters> byte_of = [] {
    std::array<int16_t, kCharacters> table{};
    table.fill(-1);
    for (int b = 0; b < 256; ++b) table[byte_level_character(b)] = static_cast<int16_t>(b);
    return table;
  }();
  std::string bytes;
  for (size_t at = 0; at < name.size();) {
    const CodePoint c = code_point_at(name, at);
    if (c.length == 0 || c.value >= kCharacters || byte_of[c.value] < 0)
      throw_corrupt_bpe(where,
                        fmt::format("token \"{}\" is not spelled in byte-level characters", name));
    bytes += static_cast<char>(byte_of[c.value]);
    at += c.length;
  }
  return bytes;
}

std::string bpe_json(const BpeVocab& vocab) {
  Json pieces = Json::object(), merges = Json::array(), added = Json::array();
  std::vector<std::string> names;
  for (const std::string& token : vocab.tokens) names.push_back(name_of_bytes(token));
  for (const AddedToken& token : vocab.added) {
    names[static_cast<size_t>(token.id)] = token.name;
    added.push_back(added_token_json(token));
  }
  for (size_t id = 0; id < names.size(); ++id)
    if (!names[id].empty()) append_token(pieces, names[id], id);
  for (const auto& [left, right] : vocab.merges)
    merges.push_back(names[static_cast<size_t>(left)] + " " + names[static_cast<size_t>(right)]);
  Json model = bpe_model_json(std::move(pieces), std::move(merges), ByteFallback::No);
  model["ignore_merges"] = vocab.whole_pieces == WholePieces::Yes;
  Json decoder = byte_level(UseRegex::Yes);
  return tokenizer_file_json(added, nullptr, pre_tokenizer(vocab), nullptr, decoder,
                             std::move(model))
      .dump(1);
}

std::unique_ptr<Tokenizer> read_bpe_json(const SortedJson& file, const std::string& where) {
  const SortedJson& model = file.at("model");
  for (const char* key :
       {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"})
    check_off(model, key, where);
  if (!file.at("normalizer").is_null())
    unsupported(where, "normalizer " + file.at("normalizer").dump().substr(0, 100));
  const auto post = file.find("post_processor");
  if (post != file.end() && !post->is_null() && !is_type(*post, "ByteLevel"))
    unsupported(where, "post_processor " + post->dump().substr(0, 100));
  BpeVocab vocab;
  const Pieces pieces = pieces_of(file.at("pre_tokenizer"), where);
  vocab.pattern = pieces.pattern;
  vocab.unicode = pieces.unicode;
  vocab.whole_pieces = model.value("ignore_merges", false) ? WholePieces::Yes : WholePieces::No;
  const IdOf id_of = read_vocab(file, vocab, where);
  const auto id = [&](const std::string& name) {
    const auto found = id_of.find(name);
    if (found == id_of.end())
      throw_corrupt_bpe(where, fmt::format("a merge of \"{}\", no token", name));
    return found->second;
  };
  for (const SortedJson& merge : model.at("merges")) {
    const auto [left, right] = halves(merge, where);
    vocab.merges.emplace_back(id(left), id(right));
  }
  return make_bpe_tokenizer(std::move(vocab), where);
}

}  // namespace causeway
