// From a YAML file and overrides of the command line to a checked Config. Read next:
// config_validate.h (what is checked, what `auto` becomes), config_dump.h (and back to text).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace causeway {

/// Reads and validates a config file. Overrides read "train.max_steps=100", with or without leading
/// dashes, the last of several wins. They count as later lines of the file: a preset on the command
/// line replaces the model keys of the file which it fills, and a length (max_steps, max_tokens,
/// max_epochs) replaces the file's. `run.name` defaults to the file's stem.
/// `auto` values stay; see resolve(). Throws Error config.*, with file:line:column.
Config load_config(const std::string& path, const std::vector<std::string>& overrides = {});

/// The same for a text; `name` stands for the file in errors and for run.name.
Config load_config_text(std::string_view text, const std::string& name,
                        const std::vector<std::string>& overrides = {});

}  // namespace causeway
