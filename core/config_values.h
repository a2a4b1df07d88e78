// One value of a Config to and from text, by the type of its field; only true and false are
// booleans. Read next: config_number.h (how numbers are written), config_load.h.
#pragma once
#include <string>

#include "core/config_fields.h"
#include "core/config_yaml.h"

namespace causeway {

/// Sets the field from a node. Throws config.type at the value's place; ranges are checked later.
void set_field(const Field& field, Config& config, const YamlNode& node, const TextSource& source);

/// The value as it would be written in a file, exact: set_field reads the same value back.
std::string format_field(const Field& field, Config& config);

/// "a whole number", "true or false", "one of: fp32 bf16"; with the word for unset where allowed.
std::string describe_type(const Field& field);

}  // namespace causeway
