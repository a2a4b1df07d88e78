// The long part of a preparation: text is read, placed in a split, encoded on all cores and
// spooled, batch by batch, so that it can stop behind any of them. Read next: prepare.cpp,
// token_spool.h.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "data/prepare.h"
#include "data/prepare_split.h"
#include "data/prepare_work.h"

namespace causeway {

class PrepareEncoding {
 public:
  /// Continues from the note that `place` holds for `key`. All must outlive it.
  PrepareEncoding(const Corpus& corpus, const Tokenizer& tokenizer, const PrepareOptions& options,
                  PrepareWork& place, std::string key);

  /// False: options.stop() asked for an end, and how far it came is noted.
  bool run();
  /// Copies the tokens of a split to its shards.
  void drain(Split split, ShardWriter& shards) { spool_.drain(split, shards); }
  void remove_spool() { spool_.remove(); }

 private:
  /// One batch on its way.
  struct Work {
    TextBatch batch;
    std::vector<PlacedPiece> pieces;
    int64_t taken = 0;  ///< bytes read from the disk, this batch's included
  };
  using PieceIds = std::vector<std::vector<int32_t>>;

  std::optional<Work> read();
  PieceIds encode(const Work& work) const;
  void spool(const Work& work, const PieceIds& ids);
  void note();

  const PrepareOptions& options_;
  const Tokenizer& tokenizer_;
  PrepareWork& place_;
  std::string key_;
  PrepareNote note_;
  TokenSpool spool_;
  DocumentReader reader_;
  SplitPlacer placer_;
  PrepareProgress progress_;
  int64_t batches_ = 0;
  bool stopped_ = false;
};

}  // namespace causeway
