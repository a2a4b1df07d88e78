// See json.h.
#include "core/json.h"

#include <algorithm>
#include <set>
#include <vector>

namespace causeway {
namespace {

constexpr int kMaxDepth = 64;

/// "where:line:column" of the byte with this 1-based number.
std::string place(std::string_view text, size_t byte, const std::string& where) {
  const std::string_view before = text.substr(0, std::min(byte ? byte - 1 : 0, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t last = before.rfind('\n');
  const size_t column = before.size() - (last == std::string_view::npos ? 0 : last + 1) + 1;
  return fmt::format("{}:{}:{}", where, line, column);
}

/// Throws at a key that its object holds already (the library would keep the last in silence) and
/// at nesting so deep that walking the result could exhaust the stack.
template <class AnyJson>
class Watch {
 public:
  Watch(const std::string& where, std::string_view family) : where_(where), family_(family) {}

  bool operator()(int depth, typename AnyJson::parse_event_t event, const AnyJson& value) {
    using Event = typename AnyJson::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= kMaxDepth)  // the outermost opens at depth 0
      throw_json_error(where_, fmt::format("nesting deeper than {}", kMaxDepth), family_);
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key &&
        !keys_.back().insert(value.template get_ref<const std::string&>()).second)
      throw_json_error(where_,
                       fmt::format("key \"{}\" appears twice", value.template get<std::string>()),
                       family_);
    return true;
  }

 private:
  const std::string& where_;
  std::string_view family_;
  std::vector<std::set<std::string>> keys_;  // of the objects now open
};

template <class AnyJson>
AnyJson parse(std::string_view text, const std::string& where, std::string_view family) {
  Watch<AnyJson> watch(where, family);
  try {
    return AnyJson::parse(text.begin(), text.end(),
                          [&](int depth, typename AnyJson::parse_event_t event, AnyJson& value) {
                            return watch(depth, event, value);
                          });
  } catch (const typename AnyJson::parse_error& e) {
    throw_json_error(place(text, e.byte, where), "not valid JSON", family);
  } catch (const typename AnyJson::out_of_range&) {
    throw_json_error(where, "holds a number too large to read", family);
  }
}

}  // namespace

void throw_json_error(const std::string& where, const std::string& what, std::string_view family) {
  throw Error({.id = fmt::format("{}.json", family),
               .where = where,
               .what = what,
               .remedy = "the file is damaged, was changed by hand, or was written by another "
                         "version or program"});
}

Json parse_json(std::string_view text, const std::string& where, std::string_view family) {
  return parse<Json>(text, where, family);
}

SortedJson parse_sorted_json(std::string_view text, const std::string& where,
                             std::string_view family) {
  return parse<SortedJson>(text, where, family);
}

}  // namespace causeway
