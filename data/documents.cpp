// See documents.h.
#include "data/documents.h"

#include <algorithm>

#include "core/error.h"
#include "core/json.h"

namespace causeway {

namespace {

constexpr size_t kBatch = size_t{1} << 19;
constexpr size_t kBlock = size_t{1} << 18;    // read at once
constexpr size_t kLongest = size_t{1} << 30;  // of what cannot be cut

bool is_jsonl(const SourceFile& file) {
  std::filesystem::path name = file.path.filename();
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  return name.extension() == ".jsonl" || name.extension() == ".ndjson";
}

/// A picture or an archive among the texts is a mistake; a NUL near the beginning gives it away.
void check_is_text(const SourceFile& file, std::string_view text) {
  if (text.substr(0, 8192).find('\0') == std::string_view::npos) return;
  throw Error({.id = "data.not_text",
               .where = file.path.string(),
               .what = "this is no text: it has NUL bytes",
               .remedy = "move it elsewhere, unpack it, or convert it to UTF-8"});
}

}  // namespace

DocumentReader::DocumentReader(const std::vector<SourceFile>& files, DocumentOptions options,
                               Cut cut)
    : files_(files), options_(std::move(options)), cut_(std::move(cut)) {
  if (options_.unit != DocumentUnit::Separator || !options_.separator.empty()) return;
  throw Error({.id = "usage.separator",
               .where = "",
               .what = "an empty separator stands everywhere",
               .remedy = "e.g. --separator \"<|endoftext|>\""});
}

int64_t DocumentReader::taken() const { return taken_before_ + (source_ ? source_->taken() : 0); }

bool DocumentReader::open_next() {
  taken_before_ = taken();
  source_.reset();
  if (next_file_ == files_.size()) return false;
  file_ = &files_[next_file_++];
  unit_ = options_.unit;
  if (unit_ == DocumentUnit::Auto)
    unit_ = is_jsonl(*file_) ? DocumentUnit::Json : DocumentUnit::File;
  const bool lines = unit_ == DocumentUnit::Line || unit_ == DocumentUnit::Json;
  separator_ = lines ? "\n" : unit_ == DocumentUnit::Separator ? options_.separator : "";
  source_ = open_bytes(file_->path);
  buffer_.clear();
  at_ = searched_ = offset_ = 0;
  line_ = 1;
  at_end_ = false;
  first_fill_ = true;
  return true;
}

/// Reads another block; false at the end of the file.
bool DocumentReader::fill() {
  if (at_end_) return false;
  buffer_.erase(0, at_);
  at_ = 0;
  const size_t held = buffer_.size();
  buffer_.resize(held + kBlock);
  const size_t count = source_->read(std::span(buffer_).subspan(held));
  buffer_.resize(held + count);
  at_end_ = count == 0;
  if (first_fill_) check_is_text(*file_, buffer_);
  first_fill_ = false;
  return !at_end_;
}

/// Moves `length` bytes of the pending text into the batch.
void DocumentReader::take_piece(TextBatch& batch, size_t length, bool last) {
  const bool first = offset_ == 0;
  if (!first || length > 0) {
    const size_t begin = batch.text.size();
    batch.text += pending().substr(0, length);
    batch.pieces.push_back({.document = documents_,
                            .begin = begin,
                            .end = batch.text.size(),
                            .offset = offset_,
                            .first = first,
                            .last = last,
                            .file = file_});
    if (last) ++documents_;
  }
  at_ += length;
  offset_ = last ? 0 : offset_ + length;
  if (last) try_at_ = kFirstTry;
  searched_ = 0;
}

void DocumentReader::take_json(TextBatch& batch, std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  const std::string where = fmt::format("{}:{}", file_->path.string(), line_);
  const Json object = parse_json(line, where);
  if (!object.is_object()) throw_json_error(where, "the line is no object", "data");
  const auto text = json_get<std::string>(object, options_.field, where);
  if (text.empty()) return;
  const size_t begin = batch.text.size();
  batch.text += text;
  batch.pieces.push_back(
      {.document = documents_++, .begin = begin, .end = batch.text.size(), .file = file_});
}

/// Gives the batch the next piece of this file, or reads on; false at the end of the file.
bool DocumentReader::step(TextBatch& batch) {
  const std::string_view text = pending();
  const size_t found =
      separator_.empty() ? std::string_view::npos : text.find(separator_, searched_);
  const bool whole = found != std::string_view::npos || at_end_;
  if (whole) {
    const size_t length = std::min(found, text.size());
    if (unit_ == DocumentUnit::Json) {
      take_json(batch, text.substr(0, length));
      at_ += length;
      searched_ = 0;
    } else {
      take_piece(batch, length, true);
    }
    ++line_;
    if (found == std::string_view::npos) return false;
    at_ += separator_.size();
    return true;
  }
  // Nothing of a separator may be left behind a cut, so what is searched ends before its beginning.
  searched_ = text.size() - std::min(text.size(), separator_.size());
  if (unit_ != DocumentUnit::Json && text.size() >= try_at_) {
    const size_t cut = cut_(text, try_at_ / 2);
    // The next search looks at twice as much, so that a text without borders is no square.
    try_at_ = cut > 0 ? kFirstTry : 2 * try_at_;
    if (cut > 0) take_piece(batch, cut, false);
    if (cut > 0) return true;
  }
  if (text.size() > kLongest)
    throw Error(
        {.id = "data.document_too_long",
         .where = file_->path.string(),
         .what = fmt::format("a document of more than {} bytes that cannot be cut", kLongest),
         .remedy = "split it into documents: --documents line, or --separator TEXT"});
  fill();
  return true;
}

bool DocumentReader::next(TextBatch& batch) {
  batch.text.clear();
  batch.pieces.clear();
  while (batch.text.size() < kBatch) {
    if (!source_ && !open_next()) break;
    if (!step(batch)) {
      taken_before_ = taken();
      source_.reset();
    }
  }
  return !batch.pieces.empty();
}

}  // namespace causeway
