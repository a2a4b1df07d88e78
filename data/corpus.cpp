// See corpus.h.
#include "data/corpus.h"

#include <glob.h>

#include <algorithm>

#include "core/error.h"
#include "core/hash.h"
#include "data/bytes_map.h"
#include "data/utf8.h"

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

std::vector<SourceFile> files_of_folder(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path relative = entry.path().lexically_relative(folder);
    if (entry.is_regular_file() && !is_hidden(relative)) paths.push_back(relative);
  }
  // Not the order of the disk: the same folder gives the same tokens anywhere.
  std::sort(paths.begin(), paths.end());
  const auto names = [&](Split split) {
    return std::any_of(paths.begin(), paths.end(),
                       [split](const fs::path& path) { return split_in_name(path) == split; });
  };
  const bool only_named = names(Split::Val) && names(Split::Train);
  std::vector<SourceFile> files;
  for (const fs::path& path : paths) {
    const auto named = split_in_name(path);
    if (!only_named || named) files.push_back({folder / path, named.value_or(Split::Train)});
  }
  return files;
}

/// Paths that match a shell's pattern, sorted.
std::vector<SourceFile> files_of_pattern(const std::string& pattern) {
  glob_t found{};
  std::vector<SourceFile> files;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i)
      if (fs::is_regular_file(found.gl_pathv[i])) files.push_back({found.gl_pathv[i]});
  globfree(&found);
  return files;
}

/// The bytes of a hash's hex digits, half as many.
std::string raw_bytes(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    bytes += static_cast<char>(value(hex[i]) << 4 | value(hex[i + 1]));
  }
  return bytes;
}

/// "texts/" has no file name of its own.
std::string name_of(const fs::path& source) {
  return (source.has_filename() ? source : source.parent_path()).filename().string();
}

}  // namespace

std::optional<Split> split_in_name(const fs::path& relative) {
  std::optional<Split> found;
  for (const fs::path& part : relative)
    if (const auto split = split_in_part(part.string())) found = split;
  return found;
}

std::vector<SourceFile> files_of_source(const fs::path& source) {
  if (fs::is_directory(source)) return files_of_folder(source);
  if (fs::exists(source)) return {{source}};
  std::vector<SourceFile> files = files_of_pattern(source.string());
  if (!files.empty()) return files;
  throw Error({.id = "data.missing",
               .where = source.string(),
               .what = "no such text file or folder",
               .remedy = "check data.source; scripts/prepare_austen makes a text to begin with"});
}

Corpus::Corpus(const std::vector<fs::path>& sources, DocumentOptions options, Duplicates duplicates,
               const ReadProgress& progress)
    : options_(std::move(options)) {
  for (const fs::path& source : sources) {
    const std::vector<SourceFile> files = files_of_source(source);
    files_.insert(files_.end(), files.begin(), files.end());
    name_ += (name_.empty() ? "" : ", ") + name_of(source);
  }
  std::error_code none;  // a pipe has no size
  for (const SourceFile& file : files_)
    if (fs::is_regular_file(file.path))
      disk_bytes_ += static_cast<int64_t>(fs::file_size(file.path, none));
  survey(duplicates, progress);
}

void Corpus::survey(Duplicates duplicates, const ReadProgress& progress) {
  DocumentReader reader(files_, options_, code_point_border);
  Hasher all;
  std::optional<Hasher> one;
  int64_t length = 0;
  BytesMap seen;  // hashes, 52 bytes of memory each
  const auto finish = [&](const TextPiece& piece) {
    const bool val = piece.file->split == Split::Val;
    const std::string hash = one->hex();
    if (duplicates == Duplicates::Drop) {
      const size_t before = seen.size();
      dropped_.push_back(seen.find_or_add(raw_bytes(hash)) < before);
      dropped_count_ += dropped_.back();
      if (dropped_.back()) return;
    }
    (val ? val_bytes_ : train_bytes_) += length;
    (val ? val_documents_ : train_documents_) += 1;
    all.update(fmt::format("{} {}\n", val ? "val" : "train", hash));
  };
  for (TextBatch batch; reader.next(batch);) {
    for (const TextPiece& piece : batch.pieces) {
      if (piece.first) one.emplace();
      length = (piece.first ? 0 : length) + static_cast<int64_t>(piece.end - piece.begin);
      one->update(batch.of(piece));
      if (piece.last) finish(piece);
    }
    if (progress) progress(reader.taken(), disk_bytes_);
  }
  hash_ = all.hex();
  if (train_bytes_ > 0) return;
  throw Error({.id = "data.empty",
               .where = name_,
               .what = "there is no text in it to train on",
               .remedy = "a text file or a folder of text files is wanted, e.g. the one that "
                         "scripts/prepare_austen makes"});
}

}  // namespace causeway
