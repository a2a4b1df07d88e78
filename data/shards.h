// Token files on disk: read through maps, in order, as one long row of tokens; and their writer.
// Three layouts, all of llm.c and nanoGPT, so that their data is read as it is and ours by them:
//   u16     256 int32 header {20240520, 1, count, 0...}, then uint16 tokens   (llm.c, GPT-2)
//   u32     256 int32 header {20240801, 7, count, 0...}, then uint32 tokens   (llm.c, Llama 3)
//   raw     uint16 tokens, no header                                          (nanoGPT)
// All little-endian. We write u16 for vocabularies up to 65,536, else u32. Read next: dataset.h.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/file.h"

namespace causeway {

enum class ShardLayout : uint8_t { U16, U32, RawU16 };

/// One read-only token file.
class Shard {
 public:
  /// Throws data.missing, data.truncated, data.corrupt.
  explicit Shard(const std::filesystem::path& path);
  /// Tokens [begin, begin + out.size()), which must lie inside.
  void read(int64_t begin, std::span<int32_t> out) const;

  const std::string& path() const { return path_; }
  ShardLayout layout() const { return layout_; }
  int64_t tokens() const { return tokens_; }
  /// The file's bytes, header included.
  std::span<const std::byte> contents() const { return map_.bytes(); }

 private:
  std::string path_;
  FileMap map_;
  ShardLayout layout_ = ShardLayout::U16;
  int64_t header_bytes_ = 0;
  int64_t tokens_ = 0;
};

/// Shards in order, read as one row of tokens.
class TokenFiles {
 public:
  TokenFiles() = default;
  /// Ids ≥ vocab_size are errors when they are read.
  TokenFiles(const std::vector<std::filesystem::path>& paths, int64_t vocab_size);

  int64_t size() const { return begins_.empty() ? 0 : begins_.back(); }
  int64_t vocab_size() const { return vocab_size_; }
  const std::vector<Shard>& shards() const { return shards_; }

  /// Tokens [begin, begin + out.size()), across shard borders. The range must lie inside.
  /// Throws data.token_out_of_range with the file and the place. Allocates nothing.
  void read(int64_t begin, std::span<int32_t> out) const;

 private:
  void check_range(std::span<const int32_t> tokens, const Shard& shard, int64_t begin) const;

  std::vector<Shard> shards_;
  std::vector<int64_t> begins_;  ///< (shards + 1): first token of each, then the total
  int64_t vocab_size_ = 0;
};

/// What a written file holds, as dataset.json lists it.
struct ShardRecord {
  std::string name;  ///< "train_000000.bin"
  int64_t tokens = 0;
  int64_t bytes = 0;
  std::string hash;  ///< xxh3-128, hex
};

/// Writes tokens as FOLDER/PREFIX_000000.bin, ..., a new file every `shard_tokens`.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path folder, std::string prefix, int64_t vocab_size,
              int64_t shard_tokens = int64_t{1} << 25);
  void append(std::span<const int32_t> tokens);
  /// Flushes and syncs the last file; the records of all. Throws disk errors.
  std::vector<ShardRecord> finish();

 private:
  void close_shard();
  int64_t pending_tokens() const;

  std::filesystem::path folder_;
  std::string prefix_;
  ShardLayout layout_;
  int64_t shard_tokens_;
  std::vector<std::byte> pending_;  ///< header and tokens of the file being filled
  std::vector<ShardRecord> records_;
};

}  // namespace causeway
