// The text that a data set is made from: files, folders and patterns, as a list of documents whose
// sizes, hash and doubles are known after one pass. Read next: documents.h, prepare.cpp.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/documents.h"

namespace causeway {

/// The split that a path below a folder names by a whole word, letter case aside: val, valid,
/// validation or train, training; "tiny-train_01.txt", "val/a.txt", not "trains.txt". The file's
/// own name goes before its folders'.
std::optional<Split> split_in_name(const std::filesystem::path& relative);

/// The files that a source stands for, in an order that does not hang on the disk: a file, a folder
/// (recursive, by path, hidden files left out), or a pattern such as "texts/*.txt". In a folder,
/// files that are named so are the validation split; where some are named for validation and some
/// for training, other files are left out. Throws data.missing.
std::vector<SourceFile> files_of_source(const std::filesystem::path& source);

enum class Duplicates : uint8_t { Keep, Drop };

/// One number of a survey's progress: bytes read from the disk, of how many.
using ReadProgress = std::function<void(int64_t taken, int64_t total)>;

class Corpus {
 public:
  /// Reads all of it once. Throws data.missing, data.empty, data.not_text and what DocumentReader
  /// throws.
  Corpus(const std::vector<std::filesystem::path>& sources, DocumentOptions options = {},
         Duplicates duplicates = Duplicates::Keep, const ReadProgress& progress = {});

  const std::vector<SourceFile>& files() const { return files_; }
  const DocumentOptions& options() const { return options_; }
  const std::string& name() const { return name_; }
  const std::string& hash() const { return hash_; }   ///< of texts and splits, not of paths
  int64_t disk_bytes() const { return disk_bytes_; }  ///< of the files, packed as they are

  // What is left where duplicates are dropped.
  int64_t bytes() const { return train_bytes_ + val_bytes_; }
  int64_t train_bytes() const { return train_bytes_; }
  int64_t val_bytes() const { return val_bytes_; }
  int64_t documents() const { return train_documents_ + val_documents_; }
  int64_t train_documents() const { return train_documents_; }
  int64_t val_documents() const { return val_documents_; }
  int64_t dropped_documents() const { return dropped_count_; }
  bool is_dropped(int64_t document) const {
    return !dropped_.empty() && dropped_[static_cast<size_t>(document)];
  }

 private:
  void survey(Duplicates duplicates, const ReadProgress& progress);

  std::string name_, hash_;
  std::vector<SourceFile> files_;
  DocumentOptions options_;
  std::vector<bool> dropped_;  // by document; empty: none
  int64_t disk_bytes_ = 0, dropped_count_ = 0;
  int64_t train_bytes_ = 0, val_bytes_ = 0, train_documents_ = 0, val_documents_ = 0;
};

}  // namespace causeway
