// The one list of config keys. Parsing, help, docs/config.md, the resolved file, range checks and
// the comparison on resume are loops over it, so a key is named here and nowhere else.
// Read next: config_field_list.cpp (the list), config_values.h (text <-> value), config_load.h.
#pragma once
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/config.h"

namespace causeway {

/// An enum of one byte; its value is the index into Field::choices.
struct ChoiceRef {
  uint8_t* value;
};

/// The place of a field's value in a Config.
using FieldRef =
    std::variant<std::string*, bool*, int64_t*, uint64_t*, double*, std::array<double, 2>*,
                 std::optional<int64_t>*, std::optional<double>*, ChoiceRef>;

/// Whether a run may be resumed with another value: only what cannot change its result may differ.
enum class OnResume : uint8_t { MustEqual, MayDiffer };

/// Interval of allowed numbers; each element's, for a list.
struct Bounds {
  enum class Ends : uint8_t { Closed, OpenBelow, OpenAbove };
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  Ends ends = Ends::Closed;

  bool contains(double x) const;
  /// "at least 1", "above 0", "0 to below 1"; "" when unbounded.
  std::string text() const;
};

struct Field {
  std::string_view section;  ///< "" for a key of the top level
  std::string_view key;
  FieldRef (*ref)(Config&);
  std::string_view help;
  Bounds bounds = {};
  std::span<const std::string_view> choices = {};  ///< enum names by value, or the texts allowed
  std::string_view unset = "auto";                 ///< the word for an empty optional
  OnResume on_resume = OnResume::MustEqual;

  std::string name() const;  ///< "train.max_steps", "device"
};

/// Every key, grouped by section, in the order of the documentation.
std::span<const Field> config_fields();

/// nullptr when there is no such key.
const Field* find_field(std::string_view section, std::string_view key);

/// Sections and top-level keys, in order.
std::vector<std::string> top_level_keys();
/// Keys of a section ("" gives top_level_keys()).
std::vector<std::string> keys_of(std::string_view section);

}  // namespace causeway
