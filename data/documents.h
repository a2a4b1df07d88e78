// Texts as a stream of documents, in batches of bounded size: what a file holds, one line, one JSON
// line's field, or what stands between separators. Read next: documents.cpp, corpus.h.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/byte_source.h"

namespace causeway {

enum class Split : uint8_t { Train, Val };

struct SourceFile {
  std::filesystem::path path;
  Split split = Split::Train;
};

enum class DocumentUnit : uint8_t {
  Auto,       ///< Json for files named .jsonl, packed or not; else File
  File,       ///< a file is a document
  Line,       ///< each line
  Separator,  ///< what stands between separators
  Json,       ///< a field of each line's JSON object
};

struct DocumentOptions {
  DocumentUnit unit = DocumentUnit::Auto;
  std::string separator;
  std::string field = "text";
};

/// Text of one document: all of it, or a part where it is long. Empty documents do not come.
struct TextPiece {
  int64_t document = 0;       ///< numbered from 0 over all files
  size_t begin = 0, end = 0;  ///< in the batch's text
  size_t offset = 0;          ///< of its first byte, in the document
  bool first = true, last = true;
  const SourceFile* file = nullptr;
};

/// Work for one thread: many short documents, or a part of a long one.
struct TextBatch {
  std::string text;
  std::vector<TextPiece> pieces;
  std::string_view of(const TextPiece& piece) const {
    return std::string_view(text).substr(piece.begin, piece.end - piece.begin);
  }
};

class DocumentReader {
 public:
  /// Where a text may be cut: the greatest offset ≤ limit, or 0 (Tokenizer::cut_before).
  using Cut = std::function<size_t(std::string_view text, size_t limit)>;

  /// `files` must outlive the reader.
  DocumentReader(const std::vector<SourceFile>& files, DocumentOptions options, Cut cut);

  /// The next batch, some half a megabyte, more where nothing may be cut; false at the end.
  /// Throws data.missing, data.not_text (a file with NUL bytes near its beginning), data.json,
  /// data.document_too_long, data.corrupt, data.truncated.
  bool next(TextBatch& batch);

  int64_t taken() const;  ///< bytes read from the disk
  int64_t documents() const { return documents_; }

 private:
  static constexpr size_t kFirstTry = size_t{1} << 20;  // twice a batch
  bool open_next();
  bool fill();
  void take_piece(TextBatch& batch, size_t length, bool last);
  void take_json(TextBatch& batch, std::string_view line);
  bool step(TextBatch& batch);
  std::string_view pending() const { return std::string_view(buffer_).substr(at_); }

  const std::vector<SourceFile>& files_;
  DocumentOptions options_;
  Cut cut_;
  size_t next_file_ = 0;
  const SourceFile* file_ = nullptr;
  DocumentUnit unit_ = DocumentUnit::File;  // of this file
  std::string separator_;                   // of this file; "": none
  std::unique_ptr<ByteSource> source_;
  std::string buffer_;  // read and not yet given away, from at_ on
  size_t at_ = 0;
  size_t searched_ = 0;        // of pending(): holds no separator
  size_t try_at_ = kFirstTry;  // length of pending() at which to look for a cut
  size_t offset_ = 0;          // of pending() in its document
  int64_t line_ = 0;           // of pending() in its file, for messages
  bool at_end_ = true;         // of this file
  bool first_fill_ = true;
  int64_t documents_ = 0, taken_before_ = 0;
};

}  // namespace causeway
