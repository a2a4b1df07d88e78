// The only file that knows yaml-cpp, through its event interface: its node tree would silently keep
// one of two equal keys and forget most marks. See config_yaml.h.
#include "core/config_yaml.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include "core/error.h"

namespace causeway {
namespace {

/// A config needs three levels (section, key, list); the rest is room for a clear type error.
constexpr size_t kMaxDepth = 6;

Mark from_yaml(const YAML::Mark& mark) {
  return {.line = mark.line + 1, .column = mark.column + 1};
}

/// Builds the tree from yaml-cpp's events. The open maps and lists are a stack of ours, so depth is
/// bounded here and not by the parser's recursion.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const TextSource& source) : source_(source) {}
  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0)
      refuse(mark, "a second document (---) in one file", "keep one document per file");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add({.mark = from_yaml(mark)});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    add({.kind = YamlNode::Kind::Scalar,
         .style = tag == "!" ? YamlNode::Style::Quoted : YamlNode::Style::Plain,
         .text = value,
         .mark = from_yaml(mark)});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::List, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::Map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    std::string name;  ///< the key under which it stands, for messages
    std::optional<std::pair<std::string, Mark>> key = std::nullopt;  ///< waits for its value
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string what, std::string remedy) const {
    throw Error({.id = "config.unsupported",
                 .where = source_.at(from_yaml(mark)),
                 .what = std::move(what),
                 .remedy = std::move(remedy)});
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor)
      refuse(mark, "anchors (&name) and aliases (*name) are not read in a config",
             "write the value out; put a text that begins with & or * in quotes");
  }
  /// yaml-cpp marks plain scalars "?", quoted ones "!", untagged collections "" or "?".
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!")
      refuse(mark, fmt::format("the tag \"{}\" is not read in a config", tag),
             "remove it; put a text that begins with ! in quotes");
  }

  bool expects_key() const {
    return !stack_.empty() && stack_.back().node.kind == YamlNode::Kind::Map && !stack_.back().key;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag == "!" ? "" : tag);
    if (expects_key())
      refuse(mark, "a key must be a word, not a list or a map",
             "close every [ and {; put a text that has them in quotes");
    if (stack_.size() == kMaxDepth)
      throw Error({.id = "config.nesting",
                   .where = source_.at(from_yaml(mark)),
                   .what = fmt::format("nested more than {} levels deep", kMaxDepth),
                   .remedy = "a config has sections, and keys in them: section: {key: value}"});
    std::string name;
    if (!stack_.empty() && stack_.back().key) name = stack_.back().key->first;
    stack_.push_back({.node = {.kind = kind, .mark = from_yaml(mark)}, .name = std::move(name)});
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  /// A finished node goes to the map or list around it; in a map, keys and values take turns.
  void add(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node.kind == YamlNode::Kind::List) {
      top.node.items.push_back(std::move(node));
    } else if (expects_key()) {
      add_key(top, std::move(node));
    } else {
      std::tie(node.key, node.key_mark) = std::move(*top.key);
      top.key.reset();
      top.node.items.push_back(std::move(node));
    }
  }

  void add_key(Open& top, YamlNode node) const {
    if (node.kind != YamlNode::Kind::Scalar)
      throw Error({.id = "config.syntax",
                   .where = source_.at(node.mark),
                   .what = "a value without a key",
                   .remedy = "write key: value"});
    for (const YamlNode& entry : top.node.items) {
      if (entry.key != node.text) continue;
      const std::string in = top.name.empty() ? "" : " in " + top.name;
      throw Error({.id = "config.duplicate_key",
                   .where = source_.at(node.mark),
                   .what = fmt::format("the key \"{}\" appears twice{}", node.text, in),
                   .remedy = fmt::format("the first is at {}:{}; remove one of them",
                                         entry.key_mark.line, entry.key_mark.column)});
    }
    top.key = {std::move(node.text), node.mark};
  }

  const TextSource& source_;
  int documents_ = 0;
  YamlNode root_;
  std::vector<Open> stack_;
};

/// The commonest cause of a parser's puzzling message: a tab in the indentation of that line or of
/// the one before it.
bool tab_indents(std::string_view text, int line) {
  size_t begin = 0;
  for (int i = 1; i <= line && begin < text.size(); ++i) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = text.substr(begin, end - begin);
    const size_t blank = std::min(content.find_first_not_of(" \t"), content.size());
    if (i >= line - 1 && content.substr(0, blank).find('\t') != std::string_view::npos) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

std::string TextSource::at(Mark mark) const {
  if (kind == Kind::CommandLine || mark.line <= 0) return name;
  return fmt::format("{}:{}:{}", name, mark.line, mark.column);
}

// yaml-cpp ends a text silently at a 0x04, guesses UTF-16, and replaces what is not UTF-8: all of
// it is refused before the parser sees it.
void check_plain_text(std::string_view text, const TextSource& source) {
  Mark mark{.line = 1, .column = 1};
  int continuation = 0;  // bytes 10xxxxxx still due
  const auto refuse = [&](std::string what) {
    throw Error({.id = "config.syntax",
                 .where = source.at(mark),
                 .what = std::move(what),
                 .remedy = "a config is plain UTF-8 text; is this the right file?"});
  };
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
    const bool follows = (byte & 0xc0) == 0x80;
    if (control || follows != (continuation > 0) || byte >= 0xf8)
      refuse(fmt::format("the byte 0x{:02x} has no place in a config", byte));
    if (follows) --continuation;
    if (byte >= 0xc0) continuation = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    mark.column = c == '\n' ? 1 : mark.column + 1;
    mark.line += c == '\n';
  }
  if (continuation > 0) refuse("the text ends in the middle of a character");
}

YamlNode parse_yaml(std::string_view text, const TextSource& source) {
  if (text.size() > kMaxConfigBytes)
    throw Error(
        {.id = "config.too_large",
         .where = source.name,
         .what = fmt::format("more than {} KiB, too large for a config", kMaxConfigBytes / 1024),
         .remedy = "is this the right file? data goes under data.source"});
  check_plain_text(text, source);
  std::istringstream stream{std::string(text)};
  TreeBuilder builder(source);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    const Mark mark = e.mark.is_null() ? Mark{} : from_yaml(e.mark);
    const bool tab = tab_indents(text, mark.line);
    throw Error({.id = "config.syntax",
                 .where = source.at(mark),
                 .what = tab ? "a tab in the indentation" : "not valid YAML: " + e.msg,
                 .remedy = tab ? "YAML indents with spaces only: replace the tab by spaces"
                               : "check the indentation, the colons and the quotes up to here"});
  }
  return builder.take_root();
}

}  // namespace causeway
