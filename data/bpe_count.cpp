// See bpe_count.h.
#include "data/bpe_count.h"

namespace causeway {

void count_words(const Splitter& splitter, std::string_view text, std::vector<uint32_t>& ends,
                 WordCounts& counts) {
  ends.clear();
  splitter.split(text, ends);
  size_t at = 0;
  for (const size_t end : ends) {
    counts.add(text.substr(at, end - at), 1);
    at = end;
  }
}

}  // namespace causeway
