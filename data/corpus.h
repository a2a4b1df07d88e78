// The text that a data set is made from: one file, a folder of files, or standard input, as a list
// of documents. Texts are mapped while they are visited, never all at once. Read next: prepare.cpp.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace causeway {

enum class Split : uint8_t { Train, Val };

/// The split that a path below a folder names by a whole word, letter case aside: val, valid,
/// validation or train, training; "tiny-train_01.txt", "val/a.txt", not "trains.txt". The file's
/// own name goes before its folders'.
std::optional<Split> split_in_name(const std::filesystem::path& relative);

struct Document {
  std::filesystem::path path;  ///< "-": standard input
  Split split = Split::Train;
};

class Corpus {
 public:
  /// `source`: a text file, a folder (recursive, by path, hidden files left out), or "-".
  /// In a folder, files that are named so are the validation split; where some are named for
  /// validation and some for training, other files are left out.
  /// Throws data.missing, data.empty, data.not_text.
  explicit Corpus(const std::filesystem::path& source);

  /// Calls `visitor` for each document in order.
  using Visitor = std::function<void(const Document&, std::string_view text)>;
  void visit(const Visitor& visitor) const;

  const std::string& name() const { return name_; }
  const std::string& hash() const { return hash_; }  ///< of texts and splits, not of paths
  int64_t bytes() const { return train_bytes_ + val_bytes_; }
  int64_t train_bytes() const { return train_bytes_; }
  int64_t val_bytes() const { return val_bytes_; }
  int64_t train_documents() const { return train_documents_; }
  int64_t val_documents() const { return val_documents_; }

 private:
  void collect_folder(const std::filesystem::path& folder);
  void survey();

  std::string name_;
  std::vector<Document> documents_;
  std::string stdin_text_;
  std::string hash_;
  int64_t train_bytes_ = 0, val_bytes_ = 0, train_documents_ = 0, val_documents_ = 0;
};

}  // namespace causeway
