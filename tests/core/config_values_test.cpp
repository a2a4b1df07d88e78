// Numbers as people write them, and the message for every wrong type.
#include <cmath>

#include "core/config_number.h"
#include "core/config_values.h"
#include "tests/core/config_check.h"

using namespace causeway;
using namespace causeway::test;
using Catch::Contains;
using Catch::Equals;
using Catch::StartsWith;

TEST_CASE("whole numbers are read exactly in every spelling") {
  CHECK(parse_int64("524_288") == 524288);
  CHECK(parse_int64("10G") == 10'000'000'000);
  CHECK(parse_int64("1.5k") == 1500);
  CHECK(parse_int64("2M") == 2'000'000);
  CHECK(parse_int64("3T") == 3'000'000'000'000);
  CHECK(parse_int64("1e6") == 1'000'000);
  CHECK(parse_int64("9e18") == 9'000'000'000'000'000'000);
  CHECK(parse_int64("0.5e1") == 5);
  CHECK(parse_int64("12.0") == 12);
  CHECK(parse_int64("+7") == 7);
  CHECK(parse_int64("-7") == -7);
  CHECK(parse_int64("007") == 7);
  CHECK(parse_int64("0e9999") == 0);
  CHECK(parse_int64("9223372036854775807") == INT64_MAX);
  CHECK(parse_int64("-9223372036854775808") == INT64_MIN);
  CHECK(parse_uint64("18446744073709551615") == UINT64_MAX);
}

TEST_CASE("what is no whole number is not rounded to one") {
  for (const char* text : {"",
                           "-",
                           "x",
                           "1.5",
                           "1.2345k",
                           "1e-1",
                           "9223372036854775808",
                           "1e19",
                           "1e99999999999",
                           "0x10",
                           "1__0",
                           "_1",
                           "1_",
                           "1e",
                           "1e+",
                           "1e--1",
                           "k",
                           "10Gi",
                           "10 G",
                           " 1",
                           "1K",
                           ".",
                           "nan",
                           "inf"})
    CHECK_FALSE(parse_int64(text).has_value());
  CHECK_FALSE(parse_uint64("-1").has_value());
  CHECK_FALSE(parse_uint64("18446744073709551616").has_value());
}

TEST_CASE("numbers are read to the last bit") {
  CHECK(parse_double("3e-4") == 3e-4);
  CHECK(parse_double("0.1") == 0.1);
  CHECK(parse_double(".5") == 0.5);
  CHECK(parse_double("5.") == 5.0);
  CHECK(parse_double("1_000.25") == 1000.25);
  CHECK(parse_double("1.7976931348623157e308") == 1.7976931348623157e308);
  CHECK(parse_double("4.9406564584124654e-324") == 4.9406564584124654e-324);
  CHECK(parse_double("0.30000000000000004") == 0.1 + 0.2);
  CHECK(std::signbit(parse_double("-0").value()));
  for (const char* text : {"", "nan", ".inf", "inf", "1e309", "0x1p3", "1,5", "e5", "1e5e5", "--1"})
    CHECK_FALSE(parse_double(text).has_value());
}

TEST_CASE("a wrong type names the key, the type it wants and what it got, at the value") {
  CHECK_THAT(error_of(with("model: {n_layer: two}\n")),
             Equals("error[config.type] t.yaml:3:18: model.n_layer must be a whole number, not "
                    "\"two\"\n  write it like 100, 524_288 or 10G"));
  CHECK_THAT(
      error_of(with("model: {n_layer: 2.5}\n")),
      Contains("must be a whole number, not \"2.5\"\n  whole, and between -2^63 and 2^63 - 1"));
  CHECK_THAT(error_of(with("model: {n_layer: 99999999999999999999}\n")),
             Contains("between -2^63 and 2^63 - 1"));
  CHECK_THAT(error_of(with("run: {seed: -1}\n")), Contains("whole, not negative, below 2^64"));
  CHECK_THAT(error_of(with("model: {n_layer: \"4\"}\n")),
             Contains("not the text \"4\"\n  numbers are written without quotes"));
  CHECK_THAT(error_of(with("model: {n_layer: }\n")), Contains("a whole number, not nothing"));
  CHECK_THAT(error_of(with("model: {n_layer: auto}\n")), Contains("a whole number, not \"auto\""));
  CHECK_THAT(error_of(with("model: {n_kv_head: some}\n")), Contains("a whole number or auto, not"));
  CHECK_THAT(error_of(with("optimizer: {lr: [1, 2]}\n")), Contains("a number, not a list of 2"));
  CHECK_THAT(error_of(with("optimizer: {lr: fast}\n")), Contains("write it like 0.1, 3e-4 or 10k"));
  CHECK_THAT(error_of(with("optimizer: {lr: .nan}\n")), Contains("must be a number, not \".nan\""));
  CHECK_THAT(error_of(with("run: {name: [a]}\n")), Contains("run.name must be a text, not a list"));
  CHECK_THAT(error_of(with("run: {name: }\n")), Contains("run.name must be a text, not nothing"));
  CHECK_THAT(error_of(with("device: {a: b}\n")), Contains("device must be one of: auto cpu cuda"));
}

TEST_CASE("only true and false are booleans") {
  CHECK(load_config_text(with("model: {bias: false}\n"), "t").model.bias == false);
  for (const char* word : {"yes", "no", "on", "off", "True", "FALSE", "1", "0", "\"true\""})
    CHECK_THAT(
        error_of(with("model: {bias: " + std::string(word) + "}\n")),
        StartsWith("error[config.type] t.yaml:3:15: model.bias must be true or false, not ") &&
            Contains("only true and false are booleans here"));
}

TEST_CASE("lists of the wrong length or of other things are refused") {
  for (const char* list : {"[0.9]", "[0.9, 0.99, 0.999]", "[]", "0.9", "[0.9, x]", "[[0.9], 0.9]"})
    CHECK_THAT(error_of(with("optimizer: {betas: " + std::string(list) + "}\n")),
               StartsWith("error[config.type] t.yaml:3:20: optimizer.betas must be a list of 2 "
                          "numbers, not ") &&
                   Contains("write betas: [0.9, 0.99]"));
}

TEST_CASE("a choice that does not exist gets the ones that do") {
  CHECK_THAT(error_of(with("model: {position: ropes}\n")),
             Equals("error[config.type] t.yaml:3:19: model.position must be one of: learned "
                    "sinusoidal rope alibi none, not \"ropes\"\n  did you mean \"rope\"?"));
  CHECK(load_config_text(with("model: {position: none}\n"), "t").model.position ==
        PositionKind::None);
}

TEST_CASE("negative, zero and other values out of range name the range") {
  CHECK_THAT(
      error_of(with("model:\n  n_layer: -1\n")),
      StartsWith("error[config.range] t.yaml:4:3: model.n_layer is -1, but must be 1 to 10000"));
  CHECK_THAT(error_of(with("optimizer: {betas: [0.9, 1]}\n")),
             Contains("optimizer.betas is 1, but must be 0 to below 1"));
  CHECK_THAT(error_of(with("optimizer: {lr: 0}\n")),
             Contains("optimizer.lr is 0, but must be above 0"));
  CHECK_THAT(error_of(with("data: {}\n")), Contains("config.duplicate_key"));
  CHECK_THAT(error_of("data: {source: a, val_fraction: 1.0}\ntrain: {max_steps: 1}\n"),
             Contains("data.val_fraction is 1, but must be 0 to below 1"));
  CHECK_THAT(error_of(with("eval: {every: -5}\n")), Contains("eval.every is -5"));
  CHECK_THAT(error_of(with("optimizer: {name: sgd}\n")),
             StartsWith("error[config.choice] t.yaml:3:13: optimizer.name must be \"adamw\", not "
                        "\"sgd\"\n  write name: adamw"));
}
