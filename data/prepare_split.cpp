// See prepare_split.h.
#include "data/prepare_split.h"

#include <algorithm>

#include "core/philox.h"
#include "data/utf8.h"

namespace causeway {

namespace {

/// The bytes of text before a split at the end.
int64_t train_bytes(const Corpus& corpus, double val_fraction) {
  if (corpus.val_bytes() > 0) return corpus.train_bytes();
  // nanoGPT's int(n · 0.9): the same split of the same text.
  return static_cast<int64_t>(static_cast<double>(corpus.bytes()) * (1 - val_fraction));
}

/// Uniform in (0, 1), of (seed, document).
double draw(uint64_t seed, int64_t document) {
  constexpr uint32_t kValidation = 0x101;  // apart from the documents' order (token_spool.cpp)
  const RandomStream stream{seed, RandomPurpose::DataOrder, kValidation,
                            static_cast<uint64_t>(document)};
  return uniform(random_bits(stream, 0));
}

}  // namespace

ValSplit resolved_val_split(const Corpus& corpus, const PrepareOptions& options) {
  if (options.val_split != ValSplit::Auto) return options.val_split;
  const bool several = corpus.documents() > static_cast<int64_t>(corpus.files().size());
  const bool shuffled = options.order == DocumentOrder::Shuffled;
  return several || shuffled ? ValSplit::Document : ValSplit::End;
}

double resolved_val_fraction(const Corpus& corpus, const PrepareOptions& options) {
  return corpus.val_bytes() > 0 ? 0 : options.val_fraction;
}

SplitPlacer::SplitPlacer(const Corpus& corpus, const PrepareOptions& options)
    : corpus_(corpus),
      how_(resolved_val_split(corpus, options)),
      seed_(options.seed),
      val_fraction_(resolved_val_fraction(corpus, options)),
      train_left_(train_bytes(corpus, options.val_fraction)) {}

std::vector<PlacedPiece> SplitPlacer::place(const TextBatch& batch) {
  std::vector<PlacedPiece> placed;
  placed.reserve(batch.pieces.size());
  for (const TextPiece& piece : batch.pieces) {
    if (corpus_.is_dropped(piece.document)) continue;
    if (piece.file->split == Split::Val || corpus_.val_bytes() > 0) {
      placed.push_back({piece, piece.file->split});
    } else if (how_ == ValSplit::Document) {
      const bool val = draw(seed_, piece.document) < val_fraction_;
      placed.push_back({piece, val ? Split::Val : Split::Train});
    } else {
      place_at_end(batch, piece, placed);
    }
  }
  return placed;
}

void SplitPlacer::place_at_end(const TextBatch& batch, const TextPiece& piece,
                               std::vector<PlacedPiece>& placed) {
  // Where the split falls into this piece, its rest is validation: the end of the text.
  const std::string_view text = batch.of(piece);
  const auto left = static_cast<size_t>(std::max<int64_t>(0, train_left_));
  const size_t cut = code_point_border(text, std::min(left, text.size()));
  train_left_ -= static_cast<int64_t>(text.size());
  const bool all_train = cut == text.size() && left > 0;
  PlacedPiece train{piece, Split::Train}, val{piece, Split::Val};
  if (all_train) return placed.push_back(train);
  train.piece.end = val.piece.begin = piece.begin + cut;
  val.piece.offset += cut;
  if (cut > 0) {
    train.piece.last = false;
    val.piece.first = false;
    placed.push_back(train);
  }
  placed.push_back(val);
}

}  // namespace causeway
