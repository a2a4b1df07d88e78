// Tokens on their way to the shards: documents are written to files of their own as they come, in
// shuffled order to one of many, and read back sorted. What lies there can be taken up again after
// a stop. Read next: token_spool.cpp, prepare.cpp.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/documents.h"
#include "data/shards.h"

namespace causeway {

enum class DocumentOrder : uint8_t {
  AsIs,
  Shuffled,  ///< sorted by a random number of (seed, document)
};

struct SpoolOptions {
  DocumentOrder order = DocumentOrder::AsIs;
  uint64_t seed = 0;
  int64_t text_bytes = 0;  ///< of all documents: shuffling reads back some 32 MB of text at once
};

class TokenSpool {
 public:
  /// Continues what is there where `sizes` (of a former sizes()) are given, else begins anew.
  TokenSpool(const std::filesystem::path& folder, const SpoolOptions& options,
             const std::vector<int64_t>& sizes = {});
  ~TokenSpool();

  /// Tokens of a piece of a document; `last`: its last piece.
  void append(Split split, int64_t document, bool last, std::span<const int32_t> tokens);

  /// A place to continue from is only between documents where they are shuffled.
  bool between_documents() const { return open_.empty(); }
  /// Everything is on the disk. By file, its bytes.
  std::vector<int64_t> sizes();

  /// Copies all tokens of a split to its shards, in order.
  void drain(Split split, ShardWriter& shards);
  /// Removes the files. Nothing may be appended any more.
  void remove();

 private:
  class File;
  struct Open;  // tokens of a document that has not ended, of one split

  File& file_of(Split split, uint64_t key);
  void drain_in_order(File& file, ShardWriter& shards);
  void drain_shuffled(File& file, ShardWriter& shards);

  SpoolOptions options_;
  size_t buckets_;
  std::vector<std::unique_ptr<File>> files_;  // train's buckets, then val's
  std::vector<Open> open_;
};

}  // namespace causeway
