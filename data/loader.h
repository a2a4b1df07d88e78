// Cuts batches from tokens. Which windows make up micro-batch i is a pure function of (seed, i):
// no state, so that any step can be reached at once and any rank can fill any micro-batch.
//
// The law of positions: sequences are numbered g = 0, 1, ... over the whole run (micro-batch i
// holds g = i·B ... i·B + B − 1). With W = ⌊(n − T) / T⌋ windows in n tokens: epoch e = g / W,
// window k = permutation_e(g mod W), first token = k·T + shift_e, 0 ≤ shift_e < T. T + 1 tokens are
// read. Of several data sets mixed by weights, g first picks the set and the sequence i of the
// set's own row by this law: in every 1,024 sequences each set has its share, in an order of
// chance. Read next: permutation.h, loader.cpp; DESIGN 4.4.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "data/shards.h"

namespace causeway {

/// One micro-batch in host memory, B·T each, row by row; sized once.
struct HostBatch {
  std::vector<int32_t> tokens;         ///< (B, T)
  std::vector<int32_t> targets;        ///< (B, T): the token after each; −1: not counted
  std::vector<int32_t> segment_start;  ///< (B, T): t where the document of this token begins
  std::vector<int32_t> position;       ///< (B, T): t − segment_start

  HostBatch(int64_t B, int64_t T);
};

/// Tokens [begin, end) of a row are one data set, which is `weight` of all sequences.
struct MixturePart {
  int64_t begin = 0, end = 0;
  double weight = 1;
};

class Loader {
 public:
  /// `separator`: the end-of-text token, which begins a document (see prepare.h), where document
  /// masks are wanted; else every row is one segment. `tokens` must outlive the loader. `mixture`:
  /// the data sets in it, by weights > 0 of any sum; none: all is one.
  /// Throws data.too_small, naming a block_size that fits, where there is no window for training;
  /// data.mixture where a set's share is less than one sequence in 1,024.
  Loader(const TokenFiles& tokens, uint64_t seed, int64_t B, int64_t T,
         std::optional<int32_t> separator = {}, std::span<const MixturePart> mixture = {});

  /// Micro-batch `micro_batch` (global index ≥ 0) of the run. Allocates nothing.
  void fill(int64_t micro_batch, HostBatch& batch) const;

  int64_t windows() const { return windows_; }  ///< W: sequences per epoch, of all sets together
  /// Epochs consumed after `micro_batches` micro-batches.
  double epochs(int64_t micro_batches) const;
  /// First token of sequence g.
  int64_t window_start(int64_t g) const;

 private:
  /// A data set: its tokens begin at `begin`, it has `windows`, and of every 1,024 sequences it has
  /// `share`, those whose place in the block's order is from `first` on.
  struct Part {
    int64_t begin, windows, share, first;
  };
  void add_part(const MixturePart& part, int64_t share);
  std::pair<const Part*, int64_t> sequence_of(int64_t g) const;

  const TokenFiles* tokens_;
  uint64_t seed_;
  int64_t B_, T_, windows_ = 0;
  std::vector<Part> parts_;
  std::optional<int32_t> separator_;
};

/// Walks a split in order, every token once a target (but the first): windows k·T, the last one and
/// the last batch padded with targets −1.
class EvalLoader {
 public:
  /// Throws data.too_small where there are fewer than two tokens.
  EvalLoader(const TokenFiles& tokens, int64_t B, int64_t T, std::optional<int32_t> separator = {});

  int64_t batches() const { return batches_; }             ///< micro-batches that cover the split
  int64_t targets() const { return tokens_->size() - 1; }  ///< counted targets in all of them
  /// Micro-batch i < batches(). Returns its number of counted targets (≥ 1).
  int64_t fill(int64_t i, HostBatch& batch) const;

 private:
  const TokenFiles* tokens_;
  int64_t B_, T_, batches_;
  std::optional<int32_t> separator_;
};

}  // namespace causeway
