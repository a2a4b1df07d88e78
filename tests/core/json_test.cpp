// JSON as the project reads it: strict, and with errors that name the place.
#include "core/json.h"

#include "tests/error_of.h"

using namespace causeway;
using causeway::test::error_of;

namespace {

ErrorInfo parse_error(const std::string& text) {
  return error_of([&] { parse_json(text, "a.json", "checkpoint"); });
}

}  // namespace

TEST_CASE("json keeps the order of keys") {
  const std::string text = R"({"z":1,"a":[true,null,"é"],"m":{"y":-2,"b":0.5}})";
  CHECK(parse_json(text, "a.json").dump() == text);
}

TEST_CASE("json that is no JSON is refused with line and column") {
  const ErrorInfo error = parse_error("{\n  \"a\": 1,\n  \"b\": nope\n}");
  CHECK(error.id == "checkpoint.json");
  // The reader stops at the second letter, the first that cannot continue "n(ull)".
  CHECK(error.where == "a.json:3:9");
  CHECK(error.what == "not valid JSON");
}

TEST_CASE("json is refused when it is cut, empty, or followed by anything") {
  const std::string text = R"({"a": [1, 2], "b": "x"})";
  for (size_t n = 0; n < text.size(); ++n)
    CHECK(parse_error(text.substr(0, n)).id == "checkpoint.json");
  CHECK(parse_error(text + "x").id == "checkpoint.json");
  CHECK(parse_error("\"\xff\"").id == "checkpoint.json");  // no UTF-8
  CHECK(parse_error("1e999").id == "checkpoint.json");
}

TEST_CASE("json with a duplicate key is refused by the key's name") {
  const ErrorInfo error = parse_error(R"({"a": {"step": 1, "b": {"step": 0}, "step": 2}})");
  CHECK(error.id == "checkpoint.json");
  CHECK(error.what == "key \"step\" appears twice");
  // The same key in different objects is fine.
  CHECK_NOTHROW(parse_json(R"([{"a": 1}, {"a": {"a": 2}}])", "a.json"));
}

TEST_CASE("json nested deeper than 64 is refused, 64 is not") {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK_NOTHROW(parse_json(nested(64), "a.json"));
  CHECK(parse_error(nested(65)).what == "nesting deeper than 64");
  CHECK(parse_error(std::string(1 << 20, '[')).what == "nesting deeper than 64");
}

TEST_CASE("json_get names the key that is missing or of another type") {
  const Json json = parse_json(R"({"n": 3, "x": 1.5, "big": 3e9, "u": 4294967296, "neg": -1,
                                   "yes": true, "text": "t", "nothing": null})",
                               "a.json");
  CHECK(json_get<int64_t>(json, "n", "a.json") == 3);
  CHECK(json_get<double>(json, "n", "a.json") == 3.0);
  CHECK(json_get<double>(json, "x", "a.json") == 1.5);
  CHECK(json_get<bool>(json, "yes", "a.json"));
  CHECK(json_get<std::string>(json, "text", "a.json") == "t");

  const ErrorInfo missing =
      error_of([&] { json_get<int64_t>(json, "step", "a.json", "checkpoint"); });
  CHECK(missing.id == "checkpoint.json");
  CHECK(missing.where == "a.json");
  CHECK(missing.what == "key \"step\" is missing");
  const ErrorInfo type = error_of([&] { json_get<int64_t>(json, "x", "a.json"); });
  CHECK(type.id == "data.json");
  CHECK(type.what == "key \"x\" holds 1.5, which is of another type than expected");

  // What the library would convert in silence.
  CHECK_THROWS_AS(json_get<int64_t>(json, "yes", "a.json"), Error);
  CHECK_THROWS_AS(json_get<int32_t>(json, "u", "a.json"), Error);
  CHECK_THROWS_AS(json_get<uint64_t>(json, "neg", "a.json"), Error);
  CHECK_THROWS_AS(json_get<double>(json, "yes", "a.json"), Error);
  CHECK_THROWS_AS(json_get<bool>(json, "n", "a.json"), Error);
}

TEST_CASE("json_get_or replaces a missing or null key, not one of another type") {
  const Json json = parse_json(R"({"nothing": null, "text": "t"})", "a.json");
  CHECK(json_get_or<int64_t>(json, "absent", 7, "a.json") == 7);
  CHECK(json_get_or<int64_t>(json, "nothing", 7, "a.json") == 7);
  CHECK_THROWS_AS(json_get_or<int64_t>(json, "text", 7, "a.json"), Error);
}

TEST_CASE("json_holds tells types apart as json_get does") {
  CHECK(json_holds<int64_t>(Json(3)));
  CHECK_FALSE(json_holds<int64_t>(Json(3.0)));
  CHECK_FALSE(json_holds<int64_t>(Json("3")));
  CHECK_FALSE(json_holds<uint8_t>(Json(256)));
}
