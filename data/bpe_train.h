// BPE training: the most frequent pair of neighbours becomes a token, again and again.
// Sennrich et al. 2016, arXiv:1508.07909. Read next: bpe_train.cpp, bpe_count.h.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/bpe.h"
#include "data/bpe_count.h"

namespace causeway {

/// Which of equally frequent pairs comes first.
enum class TieRule : uint8_t {
  SmallestIds,    ///< the pair of the smaller ids, as Hugging Face's tokenizers
  GreatestBytes,  ///< the pair whose bytes come later in the alphabet, as in many a course
};

struct BpeTrainOptions {
  int64_t vocab_size = 32768;  ///< bytes, merges and special tokens together
  int64_t min_count = 2;       ///< pairs seen less often are not merged
  TieRule ties = TieRule::SmallestIds;
  std::string pattern = "gpt2";
  std::vector<std::string> special = {"<|endoftext|>"};  ///< get the last ids
};

/// Throws usage.vocab_size, usage.special_tokens.
void check_options(const BpeTrainOptions& options);

/// Exact: the counts of pairs are kept up to date, never sampled. Bytes have ids 0 ... 255 in
/// GPT-2's order. Fewer merges come out where no pair is frequent enough. `progress(merges)`:
/// called now and then; returns false to stop early with what there is.
BpeVocab train_bpe(const WordCounts& words, const BpeTrainOptions& options,
                   const std::function<bool(int64_t)>& progress = {});

}  // namespace causeway
