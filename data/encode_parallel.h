// Texts encoded on all cores: cut into parts where the tokenizer allows it, in their order again
// behind. Read next: in_order.h, prepare.cpp.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "data/tokenizer.h"

namespace causeway {

/// The length of the part that begins a text: about `wanted` bytes, more where the tokenizer knows
/// no place to cut, all of it where it knows none.
size_t part_length(const Tokenizer& tokenizer, std::string_view text, size_t wanted);

/// The ids of `text`, made by `threads` threads.
std::vector<int32_t> encode_parallel(const Tokenizer& tokenizer, std::string_view text,
                                     const TextOrigin& origin, int threads);

}  // namespace causeway
