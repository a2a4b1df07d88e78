// Writing tokenizer.json. Read next: tokenizer_json_read.cpp.
#include "data/tokenizer_json.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "core/json.h"
#include "data/utf8.h"

namespace causeway {

namespace {

Json end_of_text_tokens(std::optional<int32_t> id) {
  Json tokens = Json::array();
  if (id) tokens.push_back(added_token_json({std::string(kEndOfTextName), *id}));
  return tokens;
}

/// Every way to put a piece together from two others, best rank first.
Json merges_of(const ScoreBpeVocab& vocab) {
  std::unordered_map<std::string_view, size_t> id_of;
  for (size_t id = kFirstPieceId; id < vocab.pieces.size(); ++id) id_of[vocab.pieces[id]] = id;
  std::vector<std::tuple<int32_t, std::string_view, std::string_view>> merges;
  for (const auto& [piece, id] : id_of) {
    if (vocab.rank[id] == kNeverMerged) continue;
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      const auto left = piece.substr(0, cut), right = piece.substr(cut);
      if (id_of.count(left) && id_of.count(right)) merges.emplace_back(vocab.rank[id], left, right);
    }
  }
  std::sort(merges.begin(), merges.end());
  Json lines = Json::array();
  for (const auto& [rank, left, right] : merges)
    lines.push_back(replaced(left, " ", kSpaceMark) + " " + replaced(right, " ", kSpaceMark));
  return lines;
}

/// "<s> $A": a text begins with BOS, as llama2.c has it.
Json bos_template() {
  const auto special = [](int type) -> Json {
    return {{"SpecialToken", {{"id", "<s>"}, {"type_id", type}}}};
  };
  const auto sequence = [](const char* name, int type) -> Json {
    return {{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  Json single = Json::array({special(0), sequence("A", 0)});
  Json pair = Json::array({special(0), sequence("A", 0), special(1), sequence("B", 1)});
  Json ids = Json::array({kBosId}), names = Json::array({"<s>"});
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", ids}, {"tokens", names}}}}}};
}

Json replace_step(std::string_view from, std::string_view to) {
  return {{"type", "Replace"},
          {"pattern", {{"String", std::string(from)}}},
          {"content", std::string(to)}};
}

}  // namespace

Json added_token_json(const AddedToken& token) {
  return {{"id", token.id},  {"content", token.name}, {"single_word", false},    {"lstrip", false},
          {"rstrip", false}, {"normalized", false},   {"special", token.special}};
}

Json tokenizer_file_json(Json added_tokens, Json normalizer, Json pre_tokenizer,
                         Json post_processor, Json decoder, Json model) {
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added_tokens)},
          {"normalizer", std::move(normalizer)},
          {"pre_tokenizer", std::move(pre_tokenizer)},
          {"post_processor", std::move(post_processor)},
          {"decoder", std::move(decoder)},
          {"model", std::move(model)}};
}

void append_token(Json& object, std::string name, size_t id) {
  // The library's own way searches all keys each time.
  object.get_ref<Json::object_t&>().emplace_back(std::move(name), id);
}

Json bpe_model_json(Json vocab, Json merges, ByteFallback fallback) {
  const bool bytes = fallback == ByteFallback::Yes;
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", bytes ? Json("<unk>") : Json(nullptr)},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", bytes},
          {"byte_fallback", bytes},
          {"ignore_merges", false},
          {"vocab", std::move(vocab)},
          {"merges", std::move(merges)}};
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t found = std::min(text.find(from, at), text.size());
    result += text.substr(at, found - at);
    if (found < text.size()) result += to;
    at = found + from.size();
  }
  return result;
}

char32_t byte_level_character(int b) {
  const auto printable = [](int c) {
    return (c >= 33 && c <= 126) || (c >= 161 && c <= 172) || c >= 174;
  };
  if (printable(b)) return static_cast<char32_t>(b);
  char32_t next = 256;
  for (int c = 0; c < b; ++c) next += printable(c) ? 0 : 1;
  return next;
}

std::string byte_tokenizer_json(std::optional<int32_t> end_of_text) {
  Json vocab = Json::object();
  for (int b = 0; b < 256; ++b)
    append_token(vocab, to_utf8(byte_level_character(b)), static_cast<size_t>(b));
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", false}};
  return tokenizer_file_json(end_of_text_tokens(end_of_text), nullptr, byte_level, nullptr,
                             byte_level, bpe_model_json(vocab, Json::array(), ByteFallback::No))
      .dump(1);
}

std::string char_tokenizer_json(const std::vector<char32_t>& alphabet,
                                std::optional<int32_t> end_of_text) {
  Json vocab = Json::object();
  for (size_t id = 0; id < alphabet.size(); ++id) append_token(vocab, to_utf8(alphabet[id]), id);
  return tokenizer_file_json(end_of_text_tokens(end_of_text), nullptr, nullptr, nullptr,
                             {{"type", "Fuse"}},
                             bpe_model_json(vocab, Json::array(), ByteFallback::No))
      .dump(1);
}

std::string score_bpe_json(const ScoreBpeVocab& vocab) {
  static const char* const kControl[] = {"<unk>", "<s>", "</s>"};
  Json pieces = Json::object(), added = Json::array();
  for (int32_t id = 0; id < kFirstByteId; ++id)
    added.push_back(added_token_json({kControl[id], id}));
  for (size_t id = 0; id < vocab.pieces.size(); ++id)
    append_token(
        pieces, id < kFirstByteId ? kControl[id] : replaced(vocab.pieces[id], " ", kSpaceMark), id);
  Json prepend = {{"type", "Prepend"}, {"prepend", std::string(kSpaceMark)}};
  Json before = {{"type", "Sequence"},
                 {"normalizers", Json::array({prepend, replace_step(" ", kSpaceMark)})}};
  Json strip = {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
  Json steps = Json::array(
      {replace_step(kSpaceMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}, strip});
  Json after = {{"type", "Sequence"}, {"decoders", steps}};
  return tokenizer_file_json(added, before, nullptr, bos_template(), after,
                             bpe_model_json(pieces, merges_of(vocab), ByteFallback::Yes))
      .dump(1);
}

}  // namespace causeway
