// What tokens look like, for `causeway data info`. Read next: statistics.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "data/shards.h"
#include "data/tokenizer.h"

namespace causeway {

struct TokenStatistics {
  int64_t tokens = 0;
  int64_t documents = 0;      ///< that begin here: end-of-text tokens
  int64_t text_bytes = 0;     ///< that the tokens decode to
  int64_t used = 0;           ///< ids that occur
  double bits_per_token = 0;  ///< entropy of single tokens: what a model that sees no context needs
  std::vector<std::pair<int32_t, int64_t>> most_frequent;  ///< id and count, at most ten

  double bytes_per_token() const;
  /// bits_per_token as bits per byte of text.
  double bits_per_byte() const;
};

/// Reads every token of a split.
TokenStatistics token_statistics(const TokenFiles& tokens, const Tokenizer& tokenizer);

/// The text of the first `count` tokens.
std::string beginning_of(const TokenFiles& tokens, const Tokenizer& tokenizer, int64_t count);

}  // namespace causeway
