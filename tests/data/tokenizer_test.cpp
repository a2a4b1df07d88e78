// Tests of data/tokenizer.h.
#include "data/tokenizer.h"

#include <algorithm>
#include <numeric>

#include "core/json.h"
#include "core/philox.h"
#include "data/tokenizer_json.h"
#include "data/utf8.h"
#include "tests/data/data_test_files.h"

using namespace causeway;
using namespace causeway::test;

namespace {

std::vector<char32_t> characters(const std::u32string& text) { return {text.begin(), text.end()}; }

/// The tokenizer after a way through its file.
std::unique_ptr<Tokenizer> reread(const Tokenizer& tokenizer) {
  return parse_tokenizer_json(tokenizer.to_json(), "tokenizer.json");
}

/// run.c's encode, its O(n²) loop as it stands there: best score first, leftmost of equals.
std::vector<int32_t> run_c_encode(const ScoreBpeVocab& vocab, const std::string& text) {
  const auto find = [&](const std::string& piece) {
    const auto at = std::find(vocab.pieces.begin(), vocab.pieces.end(), piece);
    return at == vocab.pieces.end() ? -1 : static_cast<int32_t>(at - vocab.pieces.begin());
  };
  std::vector<int32_t> ids;
  if (!text.empty()) ids.push_back(find(" "));
  for (size_t at = 0; at < text.size();) {
    const size_t length = code_point_at(text, at).length;
    const int32_t id = find(text.substr(at, length));
    if (id >= 0) ids.push_back(id);
    for (size_t b = 0; id < 0 && b < length; ++b)
      ids.push_back(static_cast<unsigned char>(text[at + b]) + 3);
    at += length;
  }
  while (true) {
    int32_t best_rank = kNeverMerged, best_id = -1;
    size_t best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const int32_t id = find(vocab.pieces[static_cast<size_t>(ids[i])] +
                              vocab.pieces[static_cast<size_t>(ids[i + 1])]);
      if (id >= 0 && vocab.rank[static_cast<size_t>(id)] < best_rank)
        best_rank = vocab.rank[static_cast<size_t>(id)], best_id = id, best = i;
    }
    if (best_id < 0) return ids;
    ids[best] = best_id;
    ids.erase(ids.begin() + static_cast<int64_t>(best) + 1);
  }
}

/// A small vocabulary over a, b, c and space: dense in merges that overlap.
ScoreBpeVocab small_vocab() {
  ScoreBpeVocab vocab;
  vocab.pieces = {"<unk>", "<s>", "</s>"};
  for (int b = 0; b < 256; ++b) vocab.pieces.push_back(fmt::format("<0x{:02X}>", b));
  for (const char* piece : {" ", "a", "b", "c", "ab", "bc", "aa", " a", "aab", "abc", "bcab", "ca",
                            "aaaa", "abab", " ab", "cc", "bb", "abcabc"})
    vocab.pieces.emplace_back(piece);
  vocab.rank.resize(vocab.pieces.size());
  for (size_t id = 0; id < vocab.rank.size(); ++id)
    vocab.rank[id] = static_cast<int32_t>(id * 7 % 1009);  // not the order of the ids
  return vocab;
}

}  // namespace

TEST_CASE("the byte tokenizer takes any bytes and gives them back") {
  std::string text(256, '\0');
  std::iota(text.begin(), text.end(), '\0');
  const auto tokenizer = make_byte_tokenizer(EndOfText::No);
  CHECK(tokenizer->vocab_size() == 256);
  CHECK(!tokenizer->end_of_text());
  CHECK(tokenizer->encode(text)[200] == 200);
  CHECK(tokenizer->decode(tokenizer->encode(text)) == text);
  const auto with_end = make_byte_tokenizer(EndOfText::Yes);
  CHECK(with_end->vocab_size() == 257);
  CHECK(with_end->end_of_text() == 256);
  CHECK(with_end->decode(256) == "");
}

TEST_CASE("the char tokenizer numbers characters in the order of Unicode") {
  const auto tokenizer = make_char_tokenizer(characters(U"héb€llo😀"), EndOfText::Yes);
  CHECK(tokenizer->vocab_size() == 8);  // b h l o é € 😀 and the end of text
  CHECK(tokenizer->end_of_text() == tokenizer->vocab_size() - 1);
  CHECK(tokenizer->encode("bh") == std::vector<int32_t>{0, 1});
  const std::string text = "hé€😀";
  CHECK(tokenizer->decode(tokenizer->encode(text)) == text);
}

TEST_CASE("an unknown character is named with its place and the ways out") {
  const auto tokenizer = make_char_tokenizer(characters(U"abc\n"), EndOfText::No);
  const auto error = error_of([&] { tokenizer->encode("ab\ncé", {"notes.txt", 100}); });
  CHECK(error.id == "tokenizer.unknown_character");
  CHECK(error.where == "notes.txt");
  CHECK(error.what ==
        "character \"é\" (U+00E9) at byte 104 is not among the 4 characters this tokenizer knows");
  CHECK(has(error.remedy, "byte tokenizer"));
  CHECK(has(error_of([&] { tokenizer->encode("a\t"); }).what, "character U+0009 at byte 1"));
  const auto invalid = error_of([&] { tokenizer->encode("ab\xFF"); });
  CHECK(invalid.id == "tokenizer.invalid_utf8");
  CHECK(has(invalid.what, "at byte 2"));
}

TEST_CASE("byte and char tokenizers survive the way through tokenizer.json") {
  for (const EndOfText end : {EndOfText::No, EndOfText::Yes}) {
    const auto byte = make_byte_tokenizer(end);
    CHECK(reread(*byte)->kind() == TokenizerKind::Byte);
    CHECK(reread(*byte)->end_of_text() == byte->end_of_text());
    CHECK(reread(*byte)->hash() == byte->hash());
    const auto chars = make_char_tokenizer(characters(U"\n \"\\aé€😀\u2581"), end);
    CHECK(reread(*chars)->kind() == TokenizerKind::Char);
    CHECK(reread(*chars)->encode("a \"\n") == chars->encode("a \"\n"));
    CHECK(reread(*chars)->hash() == chars->hash());
  }
  CHECK(make_byte_tokenizer(EndOfText::No)->hash() != make_byte_tokenizer(EndOfText::Yes)->hash());
}

TEST_CASE("bytes are spelled in tokenizer.json by GPT-2's table") {
  CHECK(byte_level_character('A') == U'A');
  CHECK(byte_level_character(0) == 0x100);
  CHECK(byte_level_character(' ') == 0x120);
  CHECK(byte_level_character(172) == 172);
  CHECK(byte_level_character(173) == 0x143);
  CHECK(byte_level_character(174) == 174);
}

TEST_CASE("pairs are merged as llama2.c's run.c merges them, and so after tokenizer.json") {
  const ScoreBpeVocab vocab = small_vocab();
  const auto tokenizer = make_score_bpe_tokenizer(vocab, "small");
  const auto again = reread(*tokenizer);
  for (uint64_t i = 0; i < 400; ++i) {
    std::string text;
    const RandomStream stream{11, RandomPurpose::Test, 0, i};
    const uint64_t length = random_bits(stream, 0) % 40;
    for (uint64_t k = 1; k <= length; ++k) {
      const uint32_t draw = random_bits(stream, k) % 16;
      text += draw == 15 ? std::string("é") : std::string(1, "aaaaabbbbbccc  "[draw]);
    }
    INFO(text);
    CHECK(tokenizer->encode(text) == run_c_encode(vocab, text));
    CHECK(again->encode(text) == run_c_encode(vocab, text));
  }
}

TEST_CASE("stories260K's tokenizer encodes and decodes the golden text") {
  const auto folder = shared_data("stories260K");
  SKIP_WITHOUT(folder, "stories260K");
  const auto tokenizer = load_tokenizer(folder / "tok512.bin");
  CHECK(tokenizer->vocab_size() == 512);
  CHECK(tokenizer->bos() == 1);
  const std::string text = slurp(folder / "golden_t0.txt");
  std::vector<int32_t> ids = tokenizer->encode(text);
  CHECK(ids.size() < text.size() / 2);  // it does merge
  CHECK(tokenizer->decode(ids) == " " + text);
  ids.insert(ids.begin(), 1);
  CHECK(tokenizer->decode(ids) == text);
  CHECK(reread(*tokenizer)->encode(text) == tokenizer->encode(text));
  CHECK(reread(*tokenizer)->hash() == tokenizer->hash());
  // A newline and a character that it has no piece for are bytes.
  CHECK(tokenizer->decode(13) == "\n");
  CHECK(tokenizer->encode("中") == std::vector<int32_t>{410, 0xE4 + 3, 0xB8 + 3, 0xAD + 3});
  CHECK(tokenizer->encode("").empty());
}

TEST_CASE("a long text is merged in seconds, not in its square") {
  const auto folder = shared_data("stories260K");
  const auto shakespeare = shared_data("tinyshakespeare");
  SKIP_WITHOUT(folder, "stories260K");
  SKIP_WITHOUT(shakespeare, "tinyshakespeare");
  const auto tokenizer = load_tokenizer(folder / "tok512.bin");
  const std::string text = slurp(shakespeare / "input.txt");
  CHECK(tokenizer->decode(tokenizer->encode(text)) == " " + text);
}

TEST_CASE("a truncated tokenizer.bin is refused, wherever it was cut") {
  const auto source = shared_data("stories260K");
  SKIP_WITHOUT(source, "stories260K");
  const ScratchFolder folder;
  const std::string whole = slurp(source / "tok512.bin");
  for (const size_t size : {0, 3, 5, 20, 3000, 6226}) {
    const auto path = folder.file("tokenizer.bin", whole.substr(0, size));
    CHECK(error_of([&] { load_tokenizer(path); }).id == "tokenizer.corrupt");
  }
  const auto few = folder.file("few.bin", whole.substr(0, 4 + 13));  // the header and <unk>
  CHECK(has(error_of([&] { load_tokenizer(few); }).what, "too few to hold the 256 bytes"));
  std::string bad = whole;
  bad[bad.size() - 1] = '\xD3';  // the last token, no longer a character
  const auto invalid = folder.file("invalid.bin", bad);
  CHECK(error_of([&] { load_tokenizer(invalid); }).what == "token 511 is no valid UTF-8");
  std::string huge = whole;
  huge[8] = huge[9] = huge[10] = '\x7f';  // the first token's length
  const auto path = folder.file("huge.bin", huge);
  CHECK(has(error_of([&] { load_tokenizer(path); }).what, "a token of 8355711 bytes"));
}

TEST_CASE("tokenizer files that are not ours are refused by name, not guessed at") {
  const ScratchFolder folder;
  const auto id_of = [](const std::string& json) {
    return error_of([&] { parse_tokenizer_json(json, "t.json"); }).id;
  };
  CHECK(id_of("{}") == "tokenizer.corrupt");
  CHECK(id_of("{\"model\": 3}") == "tokenizer.corrupt");
  const auto chars = make_char_tokenizer(characters(U"ab"), EndOfText::No);
  Json json = parse_json(chars->to_json(), "t.json");
  json["model"]["vocab"]["b"] = 5;
  CHECK(id_of(json.dump()) == "tokenizer.corrupt");
  json["model"]["vocab"]["b"] = "1";
  CHECK(id_of(json.dump()) == "tokenizer.corrupt");
  json["model"]["vocab"] = {{"b", 0}, {"a", 1}};
  CHECK(id_of(json.dump()) == "tokenizer.unsupported");
  json["model"]["type"] = "WordPiece";
  CHECK(id_of(json.dump()) == "tokenizer.unsupported");
  CHECK(error_of([&] { load_tokenizer(folder / "none"); }).id == "tokenizer.missing");
  CHECK(error_of([&] { load_tokenizer(folder.path()); }).id == "tokenizer.missing");
}
