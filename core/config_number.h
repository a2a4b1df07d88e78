// Numbers as people write them in a config: 12, 0.1, 3e-4, 524_288, 10G.
// Read next: config_values.h.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace causeway {

/// A number's value, or nothing when the text is none. Suffixes k M G T are powers of 1000.
/// Whole numbers must be whole exactly ("1.5k" is, "1.5" is not) and fit.
std::optional<int64_t> parse_int64(std::string_view text);
std::optional<uint64_t> parse_uint64(std::string_view text);
std::optional<double> parse_double(std::string_view text);  ///< finite

}  // namespace causeway
