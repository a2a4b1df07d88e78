// Safetensors: what is written is the published format, and nothing a file says is believed unread.
#include "core/safetensors.h"

#include <cstring>
#include <random>

#include "core/json.h"
#include "tests/core/checkpoint_check.h"
// Last, so that CHECK means Catch2's.
#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string text(8, '\0');
  for (size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> (8 * i));
  return text + header + data;
}

/// The error that reading `text` as a file gives; id "" when it is accepted.
ErrorInfo read_error(const std::filesystem::path& path, const std::string& text) {
  write_file(path, std::string_view(text));
  try {
    const SafetensorsFile file(path);
    // What is accepted must be safe to use: every byte of every tensor lies within the file.
    size_t sum = 0;
    for (const TensorEntry& entry : file.entries())
      for (const std::byte b : file.bytes(entry)) sum += std::to_integer<size_t>(b);
    (void)sum;
  } catch (const Error& e) {
    return e.info();
  }
  return {};
}

const std::string kGood =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
    R"("b":{"dtype":"BF16","shape":[2,1],"data_offsets":[8,12]}})";

}  // namespace

TEST_CASE("a written safetensors file is the published format, read by independent code") {
  const Scratch scratch;
  const auto path = scratch.path / "m.safetensors";
  const std::vector<float> a{1, -2, 3, 4, 5, 6};
  const std::vector<double> d{0.1};
  const std::vector<int32_t> i{7, -8};
  const std::vector<bf16> h{bf16(1.5f), bf16(-2.0f), bf16(0.0f)};
  SafetensorsWriter writer(path,
                           {{.name = "wte.weight", .dtype = DType::F32, .shape = {2, 3}},
                            {.name = "none", .dtype = DType::F32, .shape = {0, 4}},
                            {.name = "scalar", .dtype = DType::F64, .shape = {}},
                            {.name = "i", .dtype = DType::I32, .shape = {2}},
                            {.name = "h", .dtype = DType::BF16, .shape = {3}}},
                           {{"model", "tiny"}});
  writer.write_values(std::span<const float>(a).first(2));  // in pieces
  writer.write_values(std::span<const float>(a).subspan(2));
  writer.write_values(std::span<const double>(d));
  writer.write_values(std::span<const int32_t>(i));
  writer.write_values(std::span<const bf16>(h));
  writer.close();

  // Ten lines that know the format only from its documentation.
  const std::string text = read_file(path);
  uint64_t size = 0;
  std::memcpy(&size, text.data(), 8);
  REQUIRE(8 + size < text.size());
  CHECK(size % 8 == 0);
  CHECK(text[8] == '{');
  const Json header = Json::parse(text.substr(8, size));
  CHECK(header.at("__metadata__").dump() == R"({"format":"pt","model":"tiny"})");
  CHECK(header.at("wte.weight").dump() == R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})");
  CHECK(header.at("none").dump() == R"({"dtype":"F32","shape":[0,4],"data_offsets":[24,24]})");
  CHECK(header.at("scalar").dump() == R"({"dtype":"F64","shape":[],"data_offsets":[24,32]})");
  CHECK(header.at("i").dump() == R"({"dtype":"I32","shape":[2],"data_offsets":[32,40]})");
  CHECK(header.at("h").dump() == R"({"dtype":"BF16","shape":[3],"data_offsets":[40,46]})");
  CHECK(text.size() == 8 + size + 46);
  CHECK(std::memcmp(text.data() + 8 + size, a.data(), 24) == 0);
  CHECK(std::memcmp(text.data() + 8 + size + 40, h.data(), 6) == 0);

  const SafetensorsFile file(path);
  CHECK(file.metadata() == SafetensorsMetadata{{"format", "pt"}, {"model", "tiny"}});
  REQUIRE(file.entries().size() == 5);
  CHECK(file.at("h").shape == std::vector<int64_t>{3});
  CHECK(file.bytes(file.at("none")).empty());
  const auto bytes = file.bytes(file.at("i"));
  REQUIRE(bytes.size() == 8);
  CHECK(std::memcmp(bytes.data(), i.data(), 8) == 0);
  file.forget();
  CHECK(std::memcmp(bytes.data(), i.data(), 8) == 0);
  CHECK(file.find("nonesuch") == nullptr);
  CHECK_THROWS_WITH(file.at("wte.weigth"), Catch::Contains("[checkpoint.tensor]") &&
                                               Catch::Contains("the closest is \"wte.weight\""));
}

TEST_CASE("the writer refuses bytes that do not fit its entries") {
  const Scratch scratch;
  const std::string bytes(9, 'x');
  SafetensorsWriter writer(scratch.path / "m", {{.name = "a", .shape = {2}}});
  const auto span = std::as_bytes(std::span(bytes));
  CHECK_THROWS_WITH(writer.write(span), Catch::Contains("9 bytes, where 8 are left of a"));
  writer.write(span.first(4));
  CHECK_THROWS_WITH(writer.close(), Catch::Contains("4 of 8 bytes written"));
  writer.write(span.first(4));
  CHECK_THROWS_WITH(writer.write(span.first(1)), Catch::Contains("beyond the last tensor"));
  CHECK_NOTHROW(writer.close());
  CHECK_THROWS_WITH(SafetensorsWriter(scratch.path / "n", {{.name = "a", .shape = {0, -1}}}),
                    Catch::Contains("tensor a has an impossible shape"));
  CHECK_THROWS_WITH(SafetensorsWriter(scratch.path / "n", {{.name = "a"}, {.name = "a"}}),
                    Catch::Contains("tensor a appears twice"));
}

TEST_CASE("a safetensors header that lies is refused with what is wrong") {
  const Scratch scratch;
  const auto path = scratch.path / "m.safetensors";
  const std::string data(12, 'd');
  const auto what = [&](const std::string& text) {
    const ErrorInfo error = read_error(path, text);
    CHECK(error.id == "checkpoint.corrupt");
    CHECK(error.where == path.string());
    return error.what;
  };
  /// kGood with the first `from` replaced.
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string header = kGood;
    REQUIRE(header.find(from) != std::string::npos);
    return file_of(header.replace(header.find(from), from.size(), to), data);
  };
  REQUIRE(read_error(path, file_of(kGood, data)).id.empty());

  CHECK(what("short") == "5 bytes are too few for a safetensors file");
  CHECK(what(std::string(8, '\xff')) == "a header of 18446744073709551615 bytes in a file of 8");
  CHECK(what(file_of(kGood, data).substr(0, 60)).find("a header of ") == 0);
  CHECK(what(file_of(kGood, data + "x")) ==
        "the header promises 12 bytes of data, the file has 13");
  CHECK(what(file_of(kGood, data.substr(1))) ==
        "the header promises 12 bytes of data, the file has 11");
  CHECK(what(file_of("[]", "")) == "the header is no JSON object");
  CHECK(what(file_of("{\"a\":", "")) == "the header is damaged: not valid JSON");
  CHECK(what(with("\"b\"", "\"a\"")) == "the header is damaged: key \"a\" appears twice");
  CHECK(what(with("{\"format\":\"pt\"}", "{\"format\":1}")) ==
        "the header's __metadata__ is no map of strings");
  CHECK(what(with("[2]", "[3]")) ==
        "tensor \"a\" needs 12 bytes by its shape, its data_offsets are [0, 8]");
  CHECK(what(with("[2]", "[-2]")) == "tensor \"a\" has a malformed shape or data_offsets");
  CHECK(what(with("[2]", "[2.0]")) == "tensor \"a\" has a malformed shape or data_offsets");
  CHECK(what(with("[0,8]", "[8]")) == "tensor \"a\" has a malformed shape or data_offsets");
  CHECK(what(with("[2]", "[4611686018427387904,4]")) ==
        "tensor \"a\" has a shape beyond all memory");
  CHECK(what(with("[8,12]", "[4,8]")).find("tensors overlap or leave a gap") != std::string::npos);
  CHECK(what(with("\"shape\":[2]", "\"shap\":[2]")) ==
        "tensor \"a\" is malformed: key \"shape\" is missing");
  const ErrorInfo dtype = read_error(path, with("BF16", "F16"));
  CHECK(dtype.id == "checkpoint.dtype");
  CHECK(dtype.what == "tensor \"b\" has dtype F16");
}

TEST_CASE("random mutations of a safetensors file are refused or harmless") {
  const Scratch scratch;
  const auto path = scratch.path / "m.safetensors";
  const std::string good = file_of(kGood, std::string(12, 'd'));
  std::mt19937 random(1337);
  const std::string alphabet = "{}[]\",:0123456789-eE.\\uaF\x00\xff ";
  size_t refused = 0;
  constexpr size_t kTries = 5000;
  for (size_t n = 0; n < kTries; ++n) {
    std::string text = good;
    for (size_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % text.size();
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 4) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        case 2:
          text.erase(at, 1 + random() % 9);
          break;
        default:
          text[at] = static_cast<char>(random());
          break;
      }
      if (text.empty()) text = "x";
    }
    const ErrorInfo error = read_error(path, text);
    if (error.id.empty()) continue;
    ++refused;
    if (error.id != "checkpoint.corrupt" && error.id != "checkpoint.dtype")
      FAIL("mutation " << n << " gave " << error.id << ": " << error.what);
  }
  // Some mutations leave a valid file (a letter of a name, a byte of data); most must not.
  CHECK(refused > kTries / 2);
}
