// JSON: the one place that knows the library behind it. Keys keep their order, so that files read
// as they were written. Read next: json.cpp.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/error.h"

namespace causeway {

using Json = nlohmann::ordered_json;
/// The same with sorted keys, for objects of very many: Json finds a key by looking through all.
using SortedJson = nlohmann::json;

/// Parses `text`; refuses duplicate keys, nesting deeper than 64, and anything after the value.
/// Throws Error "<family>.json" located as `where:line:column`.
Json parse_json(std::string_view text, const std::string& where, std::string_view family = "data");
SortedJson parse_sorted_json(std::string_view text, const std::string& where,
                             std::string_view family = "data");

/// "<family>.json": what is wrong with the document at `where`.
[[noreturn]] void throw_json_error(const std::string& where, const std::string& what,
                                   std::string_view family);

/// `value` as T, or nothing when it is of another type. The library itself would take 1.5 or true
/// for an integer; here a number must be one, and must fit.
template <class T>
std::optional<T> json_as(const Json& value) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (value.is_number_unsigned()) {
      const auto number = value.template get<uint64_t>();
      return std::in_range<T>(number) ? std::optional<T>(static_cast<T>(number)) : std::nullopt;
    }
    if (!value.is_number_integer()) return std::nullopt;
    const auto number = value.template get<int64_t>();
    return std::in_range<T>(number) ? std::optional<T>(static_cast<T>(number)) : std::nullopt;
  } else {
    if (std::is_floating_point_v<T> && !value.is_number()) return std::nullopt;
    try {
      return value.template get<T>();
    } catch (const Json::exception&) {
      return std::nullopt;
    }
  }
}

template <class T>
bool json_holds(const Json& value) {
  return json_as<T>(value).has_value();
}

/// object[key] as T. Throws Error "<family>.json" naming the key when it is missing or of another
/// type.
template <class T>
T json_get(const Json& object, std::string_view key, const std::string& where,
           std::string_view family = "data") {
  const auto found = object.find(std::string(key));
  if (found == object.end())
    throw_json_error(where, fmt::format("key \"{}\" is missing", key), family);
  if (auto value = json_as<T>(*found)) return *std::move(value);
  throw_json_error(where,
                   fmt::format("key \"{}\" holds {}, which is of another type than expected", key,
                               found->dump().substr(0, 60)),
                   family);
}

/// The same for a key that may be missing or null.
template <class T>
T json_get_or(const Json& object, std::string_view key, T otherwise, const std::string& where,
              std::string_view family = "data") {
  const auto found = object.find(std::string(key));
  if (found == object.end() || found->is_null()) return otherwise;
  return json_get<T>(object, key, where, family);
}

}  // namespace causeway
