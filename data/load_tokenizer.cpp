// Which format a tokenizer's file or folder has. Read next: tokenizer_json_read.cpp, bpe_files.cpp.
#include "core/error.h"
#include "core/file.h"
#include "data/bpe_files.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

/// Names with ids, and the merges beside them.
constexpr const char* kPairs[][2] = {{"encoder.json", "vocab.bpe"}, {"vocab.json", "merges.txt"}};

/// The file that speaks for a folder.
fs::path file_in(const fs::path& folder) {
  for (const char* name : {"tokenizer.json", "tokenizer.bin", "encoder.json", "vocab.json"})
    if (fs::exists(folder / name)) return folder / name;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".tiktoken") return entry.path();
  return folder / "tokenizer.json";
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  const fs::path file = fs::is_directory(path) ? file_in(path) : path;
  if (!fs::is_regular_file(file))
    throw Error({.id = "tokenizer.missing",
                 .where = path.string(),
                 .what = "no such tokenizer",
                 .remedy = "give byte, char, a tokenizer.json, GPT-2's encoder.json + vocab.bpe, a "
                           ".tiktoken file, a llama2.c tokenizer.bin, or a folder that holds one"});
  for (const auto& [vocab, merges] : kPairs)
    if (file.filename() == vocab || file.filename() == merges)
      return load_gpt2_files(file.parent_path() / vocab, file.parent_path() / merges);
  if (file.extension() == ".tiktoken") return load_tiktoken(file);
  const std::string text = read_file(file);
  // JSON begins with a brace; a tokenizer.bin with a small binary number.
  const size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first != std::string::npos && text[first] == '{')
    return parse_tokenizer_json(text, file.string());
  return load_llama2c_tokenizer(file);
}

}  // namespace causeway
