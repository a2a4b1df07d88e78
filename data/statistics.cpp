// See statistics.h.
#include "data/statistics.h"

#include <algorithm>
#include <cmath>

namespace causeway {

double TokenStatistics::bytes_per_token() const {
  return tokens > 0 ? static_cast<double>(text_bytes) / static_cast<double>(tokens) : 0;
}

double TokenStatistics::bits_per_byte() const {
  return text_bytes > 0 ? bits_per_token / bytes_per_token() : 0;
}

TokenStatistics token_statistics(const TokenFiles& tokens, const Tokenizer& tokenizer) {
  std::vector<int64_t> counts(static_cast<size_t>(tokens.vocab_size()));
  std::vector<int32_t> part(size_t{1} << 16);
  for (int64_t at = 0; at < tokens.size(); at += static_cast<int64_t>(part.size())) {
    const auto left = static_cast<size_t>(tokens.size() - at);
    const auto here = std::span(part).first(std::min(left, part.size()));
    tokens.read(at, here);
    for (const int32_t id : here) ++counts[static_cast<size_t>(id)];
  }
  TokenStatistics result{.tokens = tokens.size()};
  const auto known = std::min(counts.size(), static_cast<size_t>(tokenizer.vocab_size()));
  for (size_t id = 0; id < known; ++id) {
    if (counts[id] == 0) continue;
    ++result.used;
    const double share = static_cast<double>(counts[id]) / static_cast<double>(result.tokens);
    result.bits_per_token -= share * std::log2(share);
    const auto token = static_cast<int32_t>(id);
    result.text_bytes += counts[id] * static_cast<int64_t>(tokenizer.decode(token).size());
    result.most_frequent.emplace_back(token, counts[id]);
  }
  if (const auto end = tokenizer.end_of_text())
    result.documents = counts[static_cast<size_t>(*end)];
  const size_t shown = std::min<size_t>(10, result.most_frequent.size());
  std::partial_sort(result.most_frequent.begin(),
                    result.most_frequent.begin() + static_cast<int64_t>(shown),
                    result.most_frequent.end(), [](const auto& a, const auto& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  result.most_frequent.resize(shown);
  return result;
}

std::string beginning_of(const TokenFiles& tokens, const Tokenizer& tokenizer, int64_t count) {
  std::vector<int32_t> ids(static_cast<size_t>(std::min(count, tokens.size())));
  tokens.read(0, ids);
  return tokenizer.decode(ids);
}

}  // namespace causeway
