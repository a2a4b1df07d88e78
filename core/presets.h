// Published model shapes by name, for `model.preset`. Read next: config_load.h.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace causeway {

/// The model section of a preset, or nothing when there is none of that name.
std::optional<ModelConfig> find_preset(std::string_view name);

std::vector<std::string> preset_names();

}  // namespace causeway
