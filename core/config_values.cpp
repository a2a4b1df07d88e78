// See config_values.h.
#include "core/config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <type_traits>
#include <vector>

#include "core/config_number.h"
#include "core/error.h"

namespace causeway {
namespace {

std::string join(std::span<const std::string_view> words) {
  std::string text;
  for (const auto word : words) text += text.empty() ? std::string(word) : fmt::format(" {}", word);
  return text;
}

std::string show(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::Null:
      return "nothing";
    case YamlNode::Kind::List:
      return fmt::format("a list of {}", node.items.size());
    case YamlNode::Kind::Map:
      return "a map";
    case YamlNode::Kind::Scalar:
      break;
  }
  return node.style == YamlNode::Style::Quoted ? fmt::format("the text \"{}\"", node.text)
                                               : fmt::format("\"{}\"", node.text);
}

/// What to write instead, where the mistake is a known one.
std::string type_remedy(const Field& field, const FieldRef& ref, const YamlNode& node) {
  if (std::holds_alternative<bool*>(ref)) return "only true and false are booleans here";
  if (std::holds_alternative<std::array<double, 2>*>(ref))
    return fmt::format("write {}: [0.9, 0.99]", field.key);
  if (!field.choices.empty()) {
    const std::vector<std::string> names(field.choices.begin(), field.choices.end());
    const std::string meant = did_you_mean(node.text, names);
    return meant.empty() ? "choose one of them" : fmt::format("did you mean \"{}\"?", meant);
  }
  if (std::holds_alternative<std::string*>(ref)) return "put a text with special signs in quotes";
  if (node.kind == YamlNode::Kind::Scalar && node.style == YamlNode::Style::Quoted)
    return "numbers are written without quotes";
  if (std::holds_alternative<double*>(ref) || std::holds_alternative<std::optional<double>*>(ref))
    return "write it like 0.1, 3e-4 or 10k";
  if (node.kind == YamlNode::Kind::Scalar && parse_double(node.text))
    return std::holds_alternative<uint64_t*>(ref) ? "whole, not negative, below 2^64"
                                                  : "whole, and between -2^63 and 2^63 - 1";
  return "write it like 100, 524_288 or 10G";
}

bool is_plain(const YamlNode& node) {
  return node.kind == YamlNode::Kind::Scalar && node.style == YamlNode::Style::Plain;
}

/// Overloads by type: true when the node is such a value.
bool read(const Field&, const YamlNode& node, std::string* out) {
  if (node.kind != YamlNode::Kind::Scalar) return false;
  *out = node.text;
  return true;
}
bool read(const Field&, const YamlNode& node, bool* out) {
  *out = node.text == "true";
  return is_plain(node) && (node.text == "true" || node.text == "false");
}
template <class Number>
bool read(const Field& field, const YamlNode& node, Number* out) {
  if constexpr (!std::is_arithmetic_v<Number>) {  // an optional: its word, or its number
    if (is_plain(node) && node.text == field.unset) return out->reset(), true;
    typename Number::value_type value{};
    if (!read(field, node, &value)) return false;
    *out = value;
    return true;
  } else {
    if (!is_plain(node)) return false;
    std::optional<Number> value;
    if constexpr (std::is_same_v<Number, int64_t>) value = parse_int64(node.text);
    if constexpr (std::is_same_v<Number, uint64_t>) value = parse_uint64(node.text);
    if constexpr (std::is_same_v<Number, double>) value = parse_double(node.text);
    if (value) *out = *value;
    return value.has_value();
  }
}
bool read(const Field& field, const YamlNode& node, std::array<double, 2>* out) {
  return node.kind == YamlNode::Kind::List && node.items.size() == out->size() &&
         read(field, node.items[0], &(*out)[0]) && read(field, node.items[1], &(*out)[1]);
}
bool read(const Field& field, const YamlNode& node, ChoiceRef out) {
  const auto found = std::find(field.choices.begin(), field.choices.end(), node.text);
  if (!is_plain(node) || found == field.choices.end()) return false;
  *out.value = static_cast<uint8_t>(found - field.choices.begin());
  return true;
}

/// In double quotes unless it is a word that YAML cannot take for anything else.
std::string quote(const std::string& text) {
  const auto simple = [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.' || c == '/';
  };
  const std::string lower = [&] {
    std::string s = text;
    for (char& c : s) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return s;
  }();
  if (!text.empty() && std::isalnum(static_cast<unsigned char>(text[0])) && lower != "null" &&
      std::all_of(text.begin(), text.end(), simple))
    return text;
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

void set_field(const Field& field, Config& config, const YamlNode& node, const TextSource& source) {
  const FieldRef ref = field.ref(config);
  if (std::visit([&](auto place) { return read(field, node, place); }, ref)) return;
  throw Error(
      {.id = "config.type",
       .where = source.at(node.mark),
       .what = fmt::format("{} must be {}, not {}", field.name(), describe_type(field), show(node)),
       .remedy = type_remedy(field, ref, node)});
}

std::string format_field(const Field& field, Config& config) {
  return std::visit(
      [&](auto place) -> std::string {
        using Place = decltype(place);
        if constexpr (std::is_same_v<Place, ChoiceRef>) {
          return std::string(field.choices[*place.value]);
        } else if constexpr (std::is_same_v<Place, std::string*>) {
          return quote(*place);
        } else if constexpr (std::is_same_v<Place, std::array<double, 2>*>) {
          return fmt::format("[{}, {}]", (*place)[0], (*place)[1]);
        } else if constexpr (std::is_same_v<Place, std::optional<int64_t>*> ||
                             std::is_same_v<Place, std::optional<double>*>) {
          return *place ? fmt::format("{}", **place) : std::string(field.unset);
        } else {
          return fmt::format("{}", *place);
        }
      },
      field.ref(config));
}

std::string describe_type(const Field& field) {
  Config any;
  const FieldRef ref = field.ref(any);
  if (!field.choices.empty())
    return field.choices.size() == 1 ? fmt::format("\"{}\"", field.choices[0])
                                     : "one of: " + join(field.choices);
  if (std::holds_alternative<std::string*>(ref)) return "a text";
  if (std::holds_alternative<bool*>(ref)) return "true or false";
  if (std::holds_alternative<double*>(ref)) return "a number";
  if (std::holds_alternative<std::array<double, 2>*>(ref)) return "a list of 2 numbers";
  if (std::holds_alternative<std::optional<int64_t>*>(ref))
    return fmt::format("a whole number or {}", field.unset);
  if (std::holds_alternative<std::optional<double>*>(ref))
    return fmt::format("a number or {}", field.unset);
  return "a whole number";
}

}  // namespace causeway
