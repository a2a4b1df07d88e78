// See bpe_encode.h.
#include "data/bpe_encode.h"

#include <array>
#include <cstring>

namespace causeway {

namespace {

/// Collects ids in a buffer that stays in the first-level cache.
class IdWriter {
 public:
  explicit IdWriter(std::vector<int32_t>& out) : out_(out) {}

  void put(const ShortWords::Line& line) {
    if (count_ + ShortWords::kMostIds > buffer_.size()) flush();
    // All of the line, whatever its count: what is too much is written over.
    std::memcpy(buffer_.data() + count_, line.ids, sizeof line.ids);
    count_ += static_cast<size_t>(line.count);
  }

  void put(std::span<const int32_t> ids) {
    if (count_ + ids.size() > buffer_.size()) flush();
    if (ids.size() > buffer_.size()) {
      out_.insert(out_.end(), ids.begin(), ids.end());
    } else {
      std::copy(ids.begin(), ids.end(), buffer_.begin() + static_cast<int64_t>(count_));
      count_ += ids.size();
    }
  }

  void flush() {
    out_.insert(out_.end(), buffer_.begin(), buffer_.begin() + static_cast<int64_t>(count_));
    count_ = 0;
  }

 private:
  std::vector<int32_t>& out_;
  std::array<int32_t, 2048> buffer_;
  size_t count_ = 0;
};

}  // namespace

void BpeWorkshop::encode(const BpeTables& tables, const Splitter& splitter, std::string_view text,
                         std::vector<int32_t>& ids) {
  pieces_.clear();
  splitter.split(text, pieces_);
  IdWriter writer(ids);
  size_t at = 0;
  for (const size_t end : pieces_) {
    const std::string_view piece = text.substr(at, end - at);
    at = end;
    const bool readable = static_cast<size_t>(piece.data() - text.data()) + 16 <= text.size();
    if (piece.size() > ShortWords::kLongest || !readable) {
      writer.put(ids_of(tables, piece));
      continue;
    }
    const ShortWords::Key key = ShortWords::key_of(piece);
    ShortWords::Line& line = short_words_.line(key);
    if (!ShortWords::holds(line, key)) {
      const std::span<const int32_t> found = ids_of(tables, piece);
      if (found.size() > ShortWords::kMostIds) {
        writer.put(found);
        continue;
      }
      ShortWords::set(line, key, found);
    }
    writer.put(line);
  }
  writer.flush();
}

std::span<const int32_t> BpeWorkshop::ids_of(const BpeTables& tables, std::string_view piece) {
  constexpr size_t kLongestWord = 64;  // longer ones come once
  if (piece.size() > kLongestWord) {
    merge(tables, piece);
    return merged_;
  }
  make_room();
  const uint32_t word = words_.find_or_add(piece);
  if (word == ends_.size()) {
    merge(tables, piece);
    word_ids_.insert(word_ids_.end(), merged_.begin(), merged_.end());
    ends_.push_back(static_cast<uint32_t>(word_ids_.size()));
  }
  const size_t begin = word > 0 ? ends_[word - 1] : 0;
  return std::span<const int32_t>(word_ids_).subspan(begin, ends_[word] - begin);
}

void BpeWorkshop::merge(const BpeTables& tables, std::string_view piece) {
  constexpr size_t kShort = 100;  // where the queue begins to be faster
  merged_.clear();
  if (tables.whole_pieces == WholePieces::Yes) {
    const int32_t whole = tables.id_of.find(piece);
    if (whole >= 0) return merged_.push_back(whole);
  }
  for (const char c : piece) merged_.push_back(tables.id_of_byte[static_cast<unsigned char>(c)]);
  if (piece.size() <= kShort) {
    merge_short(merged_, rules_, tables.rules);
  } else {
    merge_long(merged_, tables.rules);
  }
}

void BpeWorkshop::make_room() {
  constexpr size_t kMostWords = size_t{1} << 18, kMostBytes = size_t{8} << 20;
  if (words_.size() < kMostWords && words_.bytes() < kMostBytes) return;
  words_.clear();
  ends_.clear();
  word_ids_.clear();
}

}  // namespace causeway
