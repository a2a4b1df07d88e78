// See added_tokens.h.
#include "data/added_tokens.h"

#include <algorithm>

namespace causeway {

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.name.size() > b.name.size();
  });
  for (const AddedToken& token : tokens_)
    begins_[static_cast<unsigned char>(token.name.front())] = true;
}

AddedTokenFinder::Found AddedTokenFinder::next(std::string_view text, size_t at) const {
  if (tokens_.empty()) return {};
  for (; at < text.size(); ++at) {
    if (!begins_[static_cast<unsigned char>(text[at])]) continue;
    for (const AddedToken& token : tokens_)
      if (text.substr(at, token.name.size()) == token.name)
        return {at, token.name.size(), token.id};
  }
  return {};
}

}  // namespace causeway
