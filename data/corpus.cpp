// See corpus.h.
#include "data/corpus.h"

#include <algorithm>
#include <iostream>
#include <iterator>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

bool is_hidden(const fs::path& relative) {
  return std::any_of(relative.begin(), relative.end(),
                     [](const fs::path& part) { return part.string().front() == '.'; });
}

std::optional<Split> split_of_word(const std::string& word) {
  if (word == "train" || word == "training") return Split::Train;
  if (word == "val" || word == "valid" || word == "validation") return Split::Val;
  return {};
}

std::optional<Split> split_in_part(const std::string& part) {
  std::optional<Split> found;
  std::string word;
  for (const char c : part + ".") {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower >= 'a' && lower <= 'z') {
      word += lower;
    } else {
      if (const auto split = split_of_word(word)) found = split;
      word.clear();
    }
  }
  return found;
}

std::string_view as_text(const FileMap& map) {
  return {reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size()};
}

/// A picture or an archive among the texts is a mistake; a NUL near the beginning gives it away.
void check_is_text(const Document& document, std::string_view text) {
  if (text.substr(0, 8192).find('\0') == std::string_view::npos) return;
  throw Error({.id = "data.not_text",
               .where = document.path.string(),
               .what = "this is no text: it has NUL bytes",
               .remedy = "move it elsewhere, unpack it, or convert it to UTF-8"});
}

}  // namespace

std::optional<Split> split_in_name(const fs::path& relative) {
  std::optional<Split> found;
  for (const fs::path& part : relative)
    if (const auto split = split_in_part(part.string())) found = split;
  return found;
}

Corpus::Corpus(const fs::path& source) : name_(source.filename().string()) {
  if (source == "-") {
    name_ = "stdin";
    stdin_text_.assign(std::istreambuf_iterator<char>(std::cin), {});
    documents_.push_back({source, Split::Train});
  } else if (fs::is_directory(source)) {
    // "texts/" has no file name of its own.
    if (name_.empty()) name_ = source.parent_path().filename().string();
    collect_folder(source);
  } else if (fs::is_regular_file(source)) {
    documents_.push_back({source, Split::Train});
  } else {
    throw Error({.id = "data.missing",
                 .where = source.string(),
                 .what = "no such text file or folder",
                 .remedy = "check data.source; scripts/prepare_austen makes a text to begin with"});
  }
  survey();
}

void Corpus::collect_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path relative = entry.path().lexically_relative(folder);
    if (entry.is_regular_file() && !is_hidden(relative)) files.push_back(relative);
  }
  // Not the order of the disk: the same folder gives the same tokens anywhere.
  std::sort(files.begin(), files.end());
  const auto names = [&](Split split) {
    return std::any_of(files.begin(), files.end(),
                       [split](const fs::path& file) { return split_in_name(file) == split; });
  };
  const bool only_named = names(Split::Val) && names(Split::Train);
  for (const fs::path& file : files) {
    const auto named = split_in_name(file);
    if (only_named && !named) continue;
    documents_.push_back({folder / file, named.value_or(Split::Train)});
  }
}

void Corpus::visit(const Visitor& visitor) const {
  for (const Document& document : documents_) {
    if (document.path == "-") {
      visitor(document, stdin_text_);
    } else if (fs::file_size(document.path) > 0) {  // an empty file cannot be mapped
      const FileMap map(document.path);
      visitor(document, as_text(map));
    }
  }
}

void Corpus::survey() {
  std::string hashes;
  visit([&](const Document& document, std::string_view text) {
    check_is_text(document, text);
    const bool val = document.split == Split::Val;
    (val ? val_bytes_ : train_bytes_) += static_cast<int64_t>(text.size());
    (val ? val_documents_ : train_documents_) += 1;
    hashes += fmt::format("{} {}\n", val ? "val" : "train", hash_hex(text));
  });
  hash_ = hash_hex(hashes);
  if (train_bytes_ > 0) return;
  throw Error({.id = "data.empty",
               .where = name_,
               .what = "there is no text in it to train on",
               .remedy = "a text file or a folder of text files is wanted, e.g. the one that "
                         "scripts/prepare_austen makes"});
}

}  // namespace causeway
