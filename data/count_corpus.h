// The words of a corpus, counted on all cores. Read next: bpe_train.h.
#pragma once
#include "data/bpe_count.h"
#include "data/corpus.h"

namespace causeway {

struct CountOptions {
  std::vector<std::filesystem::path> sources;
  DocumentOptions documents;
  std::string pattern = "gpt2";
  /// About as much text is counted, as seeded chance picks it from all of the text; bounds the time
  /// and the memory for words.
  int64_t sample_bytes = int64_t{4} << 30;
  uint64_t seed = 1337;
  int threads = 1;
  ReadProgress progress;
};

struct CountResult {
  WordCounts words;
  int64_t bytes = 0;    ///< of text counted
  int64_t skipped = 0;  ///< of text not counted
};

/// Files named for validation are left out, as everywhere. Throws what DocumentReader throws, and
/// data.empty.
CountResult count_corpus(const CountOptions& options);

}  // namespace causeway
