// Looking things up in the list of config_field_list.cpp. See config_fields.h.
#include "core/config_fields.h"

#include <fmt/format.h>

#include <algorithm>

namespace causeway {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

bool Bounds::contains(double x) const {
  const bool above = ends == Ends::OpenBelow ? x > min : x >= min;
  const bool below = ends == Ends::OpenAbove ? x < max : x <= max;
  return above && below;
}

std::string Bounds::text() const {
  if (min == -kInfinity && max == kInfinity) return "";
  if (ends == Ends::OpenBelow && max == kInfinity) return fmt::format("above {}", min);
  if (ends == Ends::OpenBelow) return fmt::format("above {}, at most {}", min, max);
  if (max == kInfinity) return fmt::format("at least {}", min);
  return fmt::format("{} to {}{}", min, ends == Ends::OpenAbove ? "below " : "", max);
}

std::string Field::name() const {
  return section.empty() ? std::string(key) : fmt::format("{}.{}", section, key);
}

const Field* find_field(std::string_view section, std::string_view key) {
  for (const Field& field : config_fields())
    if (field.section == section && field.key == key) return &field;
  return nullptr;
}

std::vector<std::string> top_level_keys() {
  std::vector<std::string> keys;
  for (const Field& field : config_fields()) {
    std::string key(field.section.empty() ? field.key : field.section);
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<std::string> keys_of(std::string_view section) {
  if (section.empty()) return top_level_keys();
  std::vector<std::string> keys;
  for (const Field& field : config_fields())
    if (field.section == section) keys.emplace_back(field.key);
  return keys;
}

}  // namespace causeway
