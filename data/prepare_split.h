// Which piece of text goes to which split. Read next: prepare.cpp.
#pragma once
#include <string>
#include <vector>

#include "data/prepare.h"

namespace causeway {

/// A piece, or the part of one on one side of the split.
struct PlacedPiece {
  TextPiece piece;  ///< piece.first: its tokens begin with the end of text
  Split split = Split::Train;
};

/// Fed with all batches in order: where the split is at the end of the text, what was seen counts.
class SplitPlacer {
 public:
  SplitPlacer(const Corpus& corpus, const PrepareOptions& options);
  /// Pieces of dropped documents do not come back.
  std::vector<PlacedPiece> place(const TextBatch& batch);

 private:
  void place_at_end(const TextBatch& batch, const TextPiece& piece,
                    std::vector<PlacedPiece>& placed);

  const Corpus& corpus_;
  ValSplit how_;
  uint64_t seed_;
  double val_fraction_;
  int64_t train_left_;  // bytes of text that still go to the training split
};

/// Never Auto.
ValSplit resolved_val_split(const Corpus& corpus, const PrepareOptions& options);
/// The share of validation that options ask for: 0 where the corpus has files for it.
double resolved_val_fraction(const Corpus& corpus, const PrepareOptions& options);

}  // namespace causeway
