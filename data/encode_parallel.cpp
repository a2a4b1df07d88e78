// See encode_parallel.h.
#include "data/encode_parallel.h"

#include <algorithm>

#include "data/in_order.h"

namespace causeway {

size_t part_length(const Tokenizer& tokenizer, std::string_view text, size_t wanted) {
  for (size_t limit = wanted; limit < text.size(); limit *= 2)
    if (const size_t cut = tokenizer.cut_before(text, limit)) return cut;
  return text.size();
}

std::vector<int32_t> encode_parallel(const Tokenizer& tokenizer, std::string_view text,
                                     const TextOrigin& origin, int threads) {
  constexpr size_t kPart = size_t{1} << 19;
  struct Part {
    std::string_view text;
    size_t offset;
  };
  std::vector<int32_t> ids;
  size_t at = 0;
  in_order(
      threads,
      [&]() -> std::optional<Part> {
        if (at == text.size()) return {};
        const Part part{text.substr(at, part_length(tokenizer, text.substr(at), kPart)), at};
        at += part.text.size();
        return part;
      },
      [&](const Part& part) {
        return tokenizer.encode(part.text, {origin.where, origin.offset + part.offset});
      },
      [&](const Part&, const std::vector<int32_t>& more) {
        ids.insert(ids.end(), more.begin(), more.end());
      });
  return ids;
}

}  // namespace causeway
