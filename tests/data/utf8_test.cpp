// Tests of data/utf8.h.
#include "data/utf8.h"

#include "tests/data/data_test_files.h"

using namespace causeway;

TEST_CASE("every Unicode scalar value survives the way to UTF-8 and back") {
  int64_t wrong = 0;
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value >= 0xD800 && value < 0xE000) continue;
    const std::string bytes = to_utf8(value);
    const CodePoint c = code_point_at(bytes, 0);
    wrong += c.value != value || c.length != bytes.size();
  }
  CHECK(wrong == 0);
}

TEST_CASE("overlong forms, surrogates, cut and stray bytes are no characters") {
  for (const std::string bad : {"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xED\xA0\x80",
                                "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80", "\xFF"})
    CHECK(code_point_at(bad, 0).length == 0);
  CHECK(first_invalid_utf8("caf\xC3\xA9") == std::string_view::npos);
  CHECK(first_invalid_utf8("caf\xC3\xA9 \xE2\x82") == 6);
}

TEST_CASE("a border never cuts a character") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
  for (size_t at = 0; at <= text.size(); ++at) CHECK(code_point_border(text, at) == expected[at]);
  CHECK(code_point_border("\x80\x80\x80\x80\x80", 4) == 4);  // no UTF-8: any place is a border
}

TEST_CASE("the stream shows whole characters only, whatever the pieces") {
  const std::string text = "na\xC3\xAFve \xE2\x82\xAC 5 \xF0\x9F\x98\x80!";
  for (size_t piece = 1; piece <= 5; ++piece) {
    Utf8Stream stream;
    std::string shown;
    for (size_t at = 0; at < text.size(); at += piece) {
      shown += stream.push(text.substr(at, piece));
      CHECK(first_invalid_utf8(shown) == std::string_view::npos);
    }
    CHECK(shown + stream.finish() == text);
  }
}

TEST_CASE("the stream does not hold back bytes that can never become a character") {
  Utf8Stream stream;
  CHECK(stream.push("\xFFok") == "\xFFok");
  CHECK(stream.push("\xE2\x82") == "");
  CHECK(stream.push("A") ==
        "\xE2\x82"
        "A");
  CHECK(stream.push("\xF0\x9F") == "");
  CHECK(stream.finish() == "\xF0\x9F");
  CHECK(stream.finish() == "");
}
