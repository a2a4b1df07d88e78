// YAML text as a small tree in which every key and value knows its line and column. Only what a
// config needs: one document of maps, lists and scalars; no anchors, no tags, no duplicate keys.
// Read next: config_values.h, which turns scalars into values.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace causeway {

/// Counted from 1, as editors do.
struct Mark {
  int line = 0, column = 0;
};

/// Where a text came from, in the words of an error: a file has lines, an override only itself.
struct TextSource {
  enum class Kind : uint8_t { File, CommandLine };
  Kind kind = Kind::File;
  std::string name;  ///< path, or `command line: train.max_steps=100`

  /// "char.yaml:13:14", or the name alone on the command line.
  std::string at(Mark mark) const;
};

struct YamlNode {
  enum class Kind : uint8_t { Null, Scalar, List, Map };
  enum class Style : uint8_t { Plain, Quoted };
  Kind kind = Kind::Null;
  Style style = Style::Plain;  ///< a quoted scalar is text and nothing else
  std::string text = {};       ///< scalars
  Mark mark = {};
  std::vector<YamlNode> items = {};  ///< of a list or map, in the order of the file
  std::string key = {};              ///< of an item of a map
  Mark key_mark = {};
};

inline constexpr size_t kMaxConfigBytes = 256 * 1024;

/// Throws config.syntax at the first byte that is no part of plain UTF-8 text.
void check_plain_text(std::string_view text, const TextSource& source);

/// The document in `text`; a text without any value gives a Null node.
/// Throws config.syntax, config.duplicate_key, config.nesting, config.unsupported,
/// config.too_large.
YamlNode parse_yaml(std::string_view text, const TextSource& source);

}  // namespace causeway
