// What is refused before any key is looked at: each message with its place.
#include "tests/core/config_check.h"

using namespace causeway;
using namespace causeway::test;
using Catch::Equals;
using Catch::StartsWith;

TEST_CASE("a duplicate key is refused at its second place and names the first") {
  CHECK_THAT(error_of("optimizer:\n  lr: 1e-3\n  lr: 1e-4\n"),
             Equals("error[config.duplicate_key] t.yaml:3:3: the key \"lr\" appears twice in "
                    "optimizer\n  the first is at 2:3; remove one of them"));
  CHECK_THAT(
      error_of("data: {source: a}\nmodel: {n_layer: 2}\ndata: {source: b}\n"),
      StartsWith("error[config.duplicate_key] t.yaml:3:1: the key \"data\" appears twice\n"));
  CHECK_THAT(error_of("model: {n_layer: 2, \"n_layer\": 3}\n"),
             StartsWith("error[config.duplicate_key] t.yaml:1:21: "));
}

TEST_CASE("nesting is bounded, however deep the text goes") {
  const std::string expected =
      "error[config.nesting] t.yaml:1:13: nested more than 6 levels deep\n";
  CHECK_THAT(error_of("model: " + std::string(6, '[') + std::string(6, ']')), StartsWith(expected));
  CHECK_THAT(error_of("model: " + std::string(100, '[') + std::string(100, ']')),
             StartsWith(expected));
  for (const char open : {'[', '{', '-', '?', ':'})
    CHECK_THAT(error_of(std::string(100000, open)), StartsWith("error[config."));
  std::string dashes;
  for (int i = 0; i < 50000; ++i) dashes += "- ";
  CHECK_THAT(error_of(dashes + "x"), StartsWith("error[config.nesting] t.yaml:1:13: "));
}

TEST_CASE("a tab in the indentation is called by its name") {
  CHECK_THAT(error_of("model:\n\tn_layer: 2\n"),
             Equals("error[config.syntax] t.yaml:2:9: a tab in the indentation\n"
                    "  YAML indents with spaces only: replace the tab by spaces"));
  CHECK_THAT(error_of("model:\n  n_layer: 2\n\tn_head: 2\n"),
             StartsWith("error[config.syntax] t.yaml:3:1: a tab in the indentation\n"));
}

TEST_CASE("broken YAML says where the parser stopped") {
  CHECK_THAT(error_of("model: {n_layer: 2\n"),
             StartsWith("error[config.syntax] t.yaml:2:1: not valid YAML: end of map flow not "));
  CHECK_THAT(error_of("run: {name: \"x}\n"), StartsWith("error[config.syntax] t.yaml:"));
  CHECK_THAT(error_of("model: 3: 4\n"), StartsWith("error[config.syntax] t.yaml:1:9: "));
}

TEST_CASE("anchors, aliases, tags and second documents are refused") {
  CHECK_THAT(error_of("run: &a {name: x}\n"),
             StartsWith("error[config.unsupported] t.yaml:1:6: anchors (&name) and aliases"));
  CHECK_THAT(error_of("run: {name: &a x, dir: *a}\n"),
             StartsWith("error[config.unsupported] t.yaml:1:13: "));
  CHECK_THAT(
      error_of("run: {name: !!str 5}\n"),
      StartsWith("error[config.unsupported] t.yaml:1:13: the tag \"tag:yaml.org,2002:str\""));
  CHECK_THAT(error_of("device: cpu\n---\ndevice: cpu\n"),
             StartsWith("error[config.unsupported] t.yaml:2:1: a second document"));
  CHECK_THAT(error_of("? [a, b]\n: c\n"),
             StartsWith("error[config.unsupported] t.yaml:1:3: a key"));
  CHECK_THAT(error_of("<<: *base\n"), StartsWith("error[config."));
}

TEST_CASE("bytes that no config holds are refused, not skipped") {
  CHECK_THAT(error_of(std::string("device: cpu\n\x04 model: 3\n")),
             StartsWith("error[config.syntax] t.yaml:2:1: the byte 0x04 has no place in a config"));
  CHECK_THAT(error_of(std::string("de\0vice", 7)), StartsWith("error[config.syntax] t.yaml:1:3: "));
  CHECK_THAT(error_of("run: {name: caf\xe9}\n"), StartsWith("error[config.syntax] t.yaml:1:17: "));
  CHECK_THAT(error_of("\xff\xfe"
                      "d"),
             StartsWith("error[config.syntax] t.yaml:1:1: the byte 0xff"));
}

TEST_CASE("a huge file is refused by its size") {
  CHECK_THAT(error_of(std::string(256 * 1024 + 1, '#')),
             StartsWith("error[config.too_large] t.yaml: more than 256 KiB"));
}

TEST_CASE("an empty file and one that is no map say what a config is") {
  for (const char* text : {"", "\n\n", "# only a comment\n", "~\n", "---\n"})
    CHECK_THAT(error_of(text), StartsWith("error[config.empty] t.yaml: the config is empty\n"));
  CHECK_THAT(error_of("- a\n- b\n"),
             StartsWith("error[config.type] t.yaml:1:1: a config is a map"));
  CHECK_THAT(error_of("hello\n"), StartsWith("error[config.type] t.yaml:1:1: a config is a map"));
  CHECK_THAT(error_of("model: 5\n"),
             StartsWith("error[config.type] t.yaml:1:8: model is a section and holds keys\n"));
  CHECK(error_of(with("eval:\n  # every: 5\n")) == "loaded");
}
