// See shards.h.
#include "data/shards.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/error.h"
#include "core/hash.h"

namespace causeway {

namespace {

static_assert(std::endian::native == std::endian::little, "token files are read as they lie");

constexpr int64_t kHeaderBytes = 1024;  // 256 int32: magic, version, count
constexpr int32_t kMagicU16 = 20240520, kVersionU16 = 1;
constexpr int32_t kMagicU32 = 20240801, kVersionU32 = 7;

using Header = std::array<int32_t, 256>;

int64_t token_bytes(ShardLayout layout) { return layout == ShardLayout::U32 ? 4 : 2; }

std::string grouped(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), 1, ',');
  return digits;
}

[[noreturn]] void corrupt(const std::string& path, std::string what) {
  throw Error({.id = "data.corrupt",
               .where = path,
               .what = std::move(what),
               .remedy = "expected llm.c's shards (.bin with a header), nanoGPT's uint16 .bin, or "
                         "what `causeway data prepare` writes; copy it again"});
}

template <class T>
void copy_tokens(std::span<const std::byte> bytes, int64_t begin, std::span<int32_t> out) {
  const std::byte* from = bytes.data() + static_cast<size_t>(begin) * sizeof(T);
  for (size_t i = 0; i < out.size(); ++i) {
    T token;
    std::memcpy(&token, from + i * sizeof(T), sizeof(T));
    // Ids past int32 become negative and are refused with the other impossible ones.
    out[i] = static_cast<int32_t>(token);
  }
}

}  // namespace

Shard::Shard(const std::filesystem::path& path) : path_(path.string()), map_(path) {
  const auto data = map_.bytes();
  const auto size = static_cast<int64_t>(data.size());
  std::array<int32_t, 3> head{};
  if (data.size() >= sizeof head) std::memcpy(head.data(), data.data(), sizeof head);
  const bool u16 = head[0] == kMagicU16, u32 = head[0] == kMagicU32;
  if (!u16 && !u32) {
    layout_ = ShardLayout::RawU16;
    if (size == 0 || size % 2 != 0)
      corrupt(path_, fmt::format("no header, and {} bytes are no whole number of uint16 tokens",
                                 grouped(size)));
    tokens_ = size / 2;
    return;
  }
  layout_ = u16 ? ShardLayout::U16 : ShardLayout::U32;
  header_bytes_ = kHeaderBytes;
  const int32_t version = u16 ? kVersionU16 : kVersionU32;
  if (head[1] != version)
    corrupt(path_, fmt::format("version {} of this format, we know {}", head[1], version));
  if (head[2] < 0) corrupt(path_, fmt::format("header says {} tokens", head[2]));
  tokens_ = head[2];
  const int64_t expected = kHeaderBytes + tokens_ * token_bytes(layout_);
  if (expected == size) return;
  throw Error({.id = "data.truncated",
               .where = path_,
               .what = fmt::format("header says {} tokens ({} bytes), file has {}",
                                   grouped(tokens_), grouped(expected), grouped(size)),
               .remedy = fmt::format("re-copy it, then: causeway data verify {}",
                                     path.has_parent_path() ? path.parent_path().string() : ".")});
}

void Shard::read(int64_t begin, std::span<int32_t> out) const {
  CHECK(begin >= 0 && begin + static_cast<int64_t>(out.size()) <= tokens_,
        "tokens {} + {} of {} in {}", begin, out.size(), tokens_, path_);
  const auto data = map_.bytes().subspan(static_cast<size_t>(header_bytes_));
  if (layout_ == ShardLayout::U32) return copy_tokens<uint32_t>(data, begin, out);
  copy_tokens<uint16_t>(data, begin, out);
}

TokenFiles::TokenFiles(const std::vector<std::filesystem::path>& paths, int64_t vocab_size)
    : begins_{0}, vocab_size_(vocab_size) {
  shards_.reserve(paths.size());
  for (const auto& path : paths) {
    shards_.emplace_back(path);
    begins_.push_back(begins_.back() + shards_.back().tokens());
  }
}

void TokenFiles::read(int64_t begin, std::span<int32_t> out) const {
  CHECK(begin >= 0 && begin + static_cast<int64_t>(out.size()) <= size(), "tokens {} + {} of {}",
        begin, out.size(), size());
  while (!out.empty()) {
    // The last shard that begins at or before `begin`; empty shards are stepped over.
    const auto after = std::upper_bound(begins_.begin(), begins_.end(), begin);
    const auto index = static_cast<size_t>(after - begins_.begin() - 1);
    const int64_t inside = begin - begins_[index];
    const auto count = std::min(static_cast<int64_t>(out.size()), *after - begin);
    const auto part = out.first(static_cast<size_t>(count));
    shards_[index].read(inside, part);
    check_range(part, shards_[index], inside);
    out = out.subspan(part.size());
    begin += count;
  }
}

void TokenFiles::check_range(std::span<const int32_t> tokens, const Shard& shard,
                             int64_t begin) const {
  const auto bad = std::find_if(tokens.begin(), tokens.end(), [this](int32_t token) {
    return token < 0 || token >= vocab_size_;
  });
  if (bad == tokens.end()) return;
  throw Error({.id = "data.token_out_of_range",
               .where = shard.path(),
               .what = fmt::format("token {} is {}, the vocabulary has {}",
                                   grouped(begin + (bad - tokens.begin())),
                                   static_cast<uint32_t>(*bad), grouped(vocab_size_)),
               .remedy = "set model.vocab_size to that of the tokenizer these tokens were made "
                         "with (GPT-2: 50257); if it is right, the file is damaged"});
}

ShardWriter::ShardWriter(std::filesystem::path folder, std::string prefix, int64_t vocab_size,
                         int64_t shard_tokens)
    : folder_(std::move(folder)),
      prefix_(std::move(prefix)),
      layout_(vocab_size <= 65536 ? ShardLayout::U16 : ShardLayout::U32),
      shard_tokens_(shard_tokens) {
  CHECK(shard_tokens > 0 && shard_tokens <= INT32_MAX, "shards of {} tokens", shard_tokens);
}

void ShardWriter::append(std::span<const int32_t> tokens) {
  const auto width = static_cast<size_t>(token_bytes(layout_));
  while (!tokens.empty()) {
    if (pending_.empty()) pending_.resize(kHeaderBytes);
    const auto room = static_cast<size_t>(shard_tokens_ - pending_tokens());
    const size_t count = std::min(room, tokens.size());
    const size_t at = pending_.size();
    pending_.resize(at + count * width);
    // Little-endian: the low bytes of an id are its uint16.
    for (size_t i = 0; i < count; ++i)
      std::memcpy(pending_.data() + at + i * width, &tokens[i], width);
    tokens = tokens.subspan(count);
    if (pending_tokens() == shard_tokens_) close_shard();
  }
}

int64_t ShardWriter::pending_tokens() const {
  return (static_cast<int64_t>(pending_.size()) - kHeaderBytes) / token_bytes(layout_);
}

void ShardWriter::close_shard() {
  if (pending_.empty()) return;
  const bool u16 = layout_ == ShardLayout::U16;
  Header header{u16 ? kMagicU16 : kMagicU32, u16 ? kVersionU16 : kVersionU32,
                static_cast<int32_t>(pending_tokens())};
  std::memcpy(pending_.data(), header.data(), sizeof header);
  ShardRecord record{.name = fmt::format("{}_{:06}.bin", prefix_, records_.size()),
                     .tokens = pending_tokens(),
                     .bytes = static_cast<int64_t>(pending_.size()),
                     .hash = hash_hex(pending_)};
  write_file(folder_ / record.name, pending_);
  records_.push_back(std::move(record));
  pending_.clear();
}

std::vector<ShardRecord> ShardWriter::finish() {
  close_shard();
  return std::move(records_);
}

}  // namespace causeway
