// See token_spool.h. A file is tokens as int32, or where they are shuffled, records: key, number of
// tokens, tokens.
#include "data/token_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/file.h"
#include "core/philox.h"

namespace causeway {

namespace fs = std::filesystem;

/// A file that grows at its end, through a buffer. One owner of a descriptor.
class TokenSpool::File {
 public:
  /// Cuts a file that is there back to `size` bytes.
  File(fs::path path, int64_t size)
      : path_(std::move(path)),
        file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)),
        size_(size) {
    if (file_ < 0) throw_disk_error(path_, "opening", errno);
    if (::ftruncate(file_, size) != 0) throw_disk_error(path_, "truncating", errno);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(file_); }

  void write(std::span<const std::byte> bytes) {
    constexpr size_t kBuffer = size_t{1} << 16;
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    if (buffer_.size() >= kBuffer) flush();
  }

  int64_t sync() {
    flush();
    if (::fdatasync(file_) != 0) throw_disk_error(path_, "syncing", errno);
    return size_;
  }

  /// Bytes [at, at + out.size()), which must be there.
  void read(int64_t at, std::span<std::byte> out) {
    while (!out.empty()) {
      const ssize_t count = ::pread(file_, out.data(), out.size(), at);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) throw_disk_error(path_, "reading", count < 0 ? errno : EIO);
      out = out.subspan(static_cast<size_t>(count));
      at += count;
    }
  }

  int64_t size() {
    flush();
    return size_;
  }
  void remove() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  void flush() {
    for (size_t at = 0; at < buffer_.size();) {
      const ssize_t count = ::pwrite(file_, buffer_.data() + at, buffer_.size() - at, size_);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw_disk_error(path_, "writing", errno);
      at += static_cast<size_t>(count);
      size_ += count;
    }
    buffer_.clear();
  }

  fs::path path_;
  int file_;
  int64_t size_;
  std::vector<std::byte> buffer_;
};

struct TokenSpool::Open {
  Split split;
  int64_t document;
  std::vector<int32_t> tokens;
};

namespace {

struct Record {
  uint64_t key;
  uint64_t tokens;
};

size_t bucket_count(const SpoolOptions& options) {
  if (options.order == DocumentOrder::AsIs) return 1;
  constexpr uint64_t kTextPerBucket = uint64_t{32} << 20, kMost = 256;
  const uint64_t wanted = static_cast<uint64_t>(options.text_bytes) / kTextPerBucket + 1;
  return std::bit_ceil(std::min(wanted, kMost));
}

/// A document's place in the shuffled order.
uint64_t key_of(uint64_t seed, int64_t document) {
  constexpr uint32_t kShuffle = 0x100;  // apart from the windows' order (permutation.cpp)
  const RandomStream stream{seed, RandomPurpose::DataOrder, kShuffle,
                            static_cast<uint64_t>(document)};
  const auto words = philox(stream, 0);
  return static_cast<uint64_t>(words[0]) << 32 | words[1];
}

}  // namespace

TokenSpool::TokenSpool(const fs::path& folder, const SpoolOptions& options,
                       const std::vector<int64_t>& sizes)
    : options_(options), buckets_(bucket_count(options)) {
  CHECK(sizes.empty() || sizes.size() == 2 * buckets_, "{} sizes, {} buckets", sizes.size(),
        buckets_);
  for (size_t i = 0; i < 2 * buckets_; ++i) {
    const char* split = i < buckets_ ? "train" : "val";
    const fs::path path = folder / fmt::format("{}_{:03}.spool", split, i % buckets_);
    files_.push_back(std::make_unique<File>(path, sizes.empty() ? 0 : sizes[i]));
  }
}

TokenSpool::~TokenSpool() = default;

TokenSpool::File& TokenSpool::file_of(Split split, uint64_t key) {
  // The highest bits, so that the buckets in their order are the order of the keys.
  const size_t bucket = buckets_ == 1 ? 0 : key >> (64 - std::countr_zero(buckets_));
  return *files_[bucket + (split == Split::Val ? buckets_ : 0)];
}

void TokenSpool::append(Split split, int64_t document, bool last, std::span<const int32_t> tokens) {
  if (options_.order == DocumentOrder::AsIs) return file_of(split, 0).write(std::as_bytes(tokens));
  auto open = std::find_if(open_.begin(), open_.end(), [&](const Open& candidate) {
    return candidate.split == split && candidate.document == document;
  });
  if (open == open_.end()) open = open_.insert(open, {split, document, {}});
  open->tokens.insert(open->tokens.end(), tokens.begin(), tokens.end());
  if (!last) return;
  for (const Open& whole : open_) {  // both halves of a document that the split cuts
    const Record record{key_of(options_.seed, document), whole.tokens.size()};
    File& file = file_of(whole.split, record.key);
    file.write(std::as_bytes(std::span(&record, 1)));
    file.write(std::as_bytes(std::span(whole.tokens)));
  }
  open_.clear();
}

std::vector<int64_t> TokenSpool::sizes() {
  std::vector<int64_t> result;
  for (const auto& file : files_) result.push_back(file->sync());
  return result;
}

void TokenSpool::drain(Split split, ShardWriter& shards) {
  const size_t first = split == Split::Val ? buckets_ : 0;
  for (size_t i = first; i < first + buckets_; ++i) {
    if (options_.order == DocumentOrder::AsIs) {
      drain_in_order(*files_[i], shards);
    } else {
      drain_shuffled(*files_[i], shards);
    }
  }
}

void TokenSpool::remove() {
  for (const auto& file : files_) file->remove();
}

void TokenSpool::drain_in_order(File& file, ShardWriter& shards) {
  std::vector<int32_t> tokens(size_t{1} << 20);
  const int64_t total = file.size();
  for (int64_t at = 0; at < total;) {
    const auto left = static_cast<size_t>(total - at) / sizeof(int32_t);
    const auto part = std::span(tokens).first(std::min(left, tokens.size()));
    file.read(at, std::as_writable_bytes(part));
    shards.append(part);
    at += static_cast<int64_t>(part.size_bytes());
  }
}

void TokenSpool::drain_shuffled(File& file, ShardWriter& shards) {
  std::vector<std::byte> bytes(static_cast<size_t>(file.size()));
  file.read(0, bytes);
  struct Place {
    uint64_t key;
    size_t begin, tokens;
  };
  std::vector<Place> places;
  for (size_t at = 0; at < bytes.size();) {
    Record record;
    std::memcpy(&record, bytes.data() + at, sizeof record);
    places.push_back({record.key, at + sizeof record, record.tokens});
    at += sizeof record + record.tokens * sizeof(int32_t);
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.key < b.key; });
  std::vector<int32_t> tokens;
  for (const Place& place : places) {
    tokens.resize(place.tokens);
    std::memcpy(tokens.data(), bytes.data() + place.begin, place.tokens * sizeof(int32_t));
    shards.append(tokens);
  }
}

}  // namespace causeway
