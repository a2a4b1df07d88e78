// What a user may have meant by a key we do not have: the names other trainers and model files use,
// keys in the wrong section, and spelling. Read next: config_load.cpp.
#pragma once
#include <string>
#include <string_view>

namespace causeway {

/// The key meant by `key` in `section` ("" for the top level): "lr" when it is one of that section,
/// "train.global_batch_size" when it lives elsewhere, "" without a good guess.
std::string suggest_key(std::string_view section, std::string_view key);

}  // namespace causeway
