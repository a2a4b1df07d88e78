// Counts the words of a text, the only thing that BPE training reads. Read next: bpe_train.h.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "data/bytes_map.h"
#include "data/splitter.h"

namespace causeway {

/// Words (pieces of a Splitter) and how often they were seen, in the order of first sight.
class WordCounts {
 public:
  void add(std::string_view word, int64_t count) {
    const uint32_t number = words_.find_or_add(word);
    if (number == counts_.size()) counts_.push_back(0);
    counts_[number] += count;
  }
  void add(const WordCounts& other) {
    for (size_t i = 0; i < other.size(); ++i) add(other.word(i), other.count(i));
  }

  size_t size() const { return counts_.size(); }
  size_t bytes() const { return words_.bytes(); }  ///< of all words together
  std::string_view word(size_t i) const { return words_[i]; }
  int64_t count(size_t i) const { return counts_[i]; }

 private:
  BytesMap words_;
  std::vector<int64_t> counts_;
};

/// Adds the words of `text`. `ends` is scratch.
void count_words(const Splitter& splitter, std::string_view text, std::vector<uint32_t>& ends,
                 WordCounts& counts);

}  // namespace causeway
