// Safetensors: what is written is what another reader finds, and no header is believed unchecked.
#include "core/safetensors.h"

#include <unistd.h>

#include <cstring>

#include "core/json.h"
#include "tests/catch.h"

using namespace causeway;
namespace fs = std::filesystem;

namespace {

/// A path of this test's own, removed at its end.
struct OneFile {
  fs::path path = fs::temp_directory_path() / fmt::format("causeway-st-test-{}", ::getpid());
  ~OneFile() { fs::remove(path); }
};

/// The bytes of a file with this header and this much data.
std::string file_of(const std::string& header, size_t data) {
  std::string size(8, '\0');
  for (size_t i = 0; i < 8; ++i) size[i] = static_cast<char>(header.size() >> (8 * i));
  return size + header + std::string(data, '\x01');
}

/// The error that opening these bytes gives; "" when there is none.
std::string refusal(const std::string& bytes) {
  const OneFile file;
  write_file(file.path, bytes);
  try {
    SafetensorsFile reader(file.path);
    return "";
  } catch (const Error& e) {
    return e.id() + ": " + e.info().what;
  }
}

/// Two tensors: "w" (2, 3) f32 = 0..5 written in two pieces, "b" (2) bf16, "s" a scalar i32.
void write_sample(const fs::path& path) {
  SafetensorsWriter writer(path,
                           {{.name = "w", .dtype = DType::F32, .shape = {2, 3}},
                            {.name = "s", .dtype = DType::I32, .shape = {}},
                            {.name = "b", .dtype = DType::BF16, .shape = {2}}},
                           {{"note", "x"}});
  const std::vector<float> w = {0, 1, 2, 3, 4, 5};
  writer.write_values(std::span(w).first(2));
  writer.write_values(std::span(w).subspan(2));
  const std::vector<int32_t> s = {-7};
  writer.write_values(std::span<const int32_t>(s));
  const std::vector<bf16> b = {bf16(1.5f), bf16(-2.0f)};
  writer.write_values(std::span<const bf16>(b));
  writer.close();
}

}  // namespace

TEST_CASE("a safetensors file has the layout of the format, byte for byte") {
  const OneFile file;
  write_sample(file.path);
  const std::string bytes = read_file(file.path);
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), 8);
  CHECK(size % 8 == 0);  // so the data, after 8 + size bytes, is aligned
  const Json header = parse_json(std::string_view(bytes).substr(8, size), "header");
  CHECK(header.at("__metadata__").at("format") == "pt");
  CHECK(header.at("__metadata__").at("note") == "x");
  CHECK(header.at("w") == Json::parse(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})"));
  CHECK(header.at("s") == Json::parse(R"({"dtype":"I32","shape":[],"data_offsets":[24,28]})"));
  CHECK(header.at("b") == Json::parse(R"({"dtype":"BF16","shape":[2],"data_offsets":[28,32]})"));
  REQUIRE(bytes.size() == 8 + size + 32);
  float w[6];
  std::memcpy(w, bytes.data() + 8 + size, sizeof w);
  for (int i = 0; i < 6; ++i) CHECK(w[i] == static_cast<float>(i));
  CHECK(bytes.substr(8 + size + 28) == std::string("\xc0\x3f\x00\xc0", 4));
}

TEST_CASE("a safetensors file reads back, and a missing tensor names the closest") {
  const OneFile file;
  write_sample(file.path);
  const SafetensorsFile reader(file.path);
  REQUIRE(reader.entries().size() == 3);
  CHECK(reader.metadata().at("note") == "x");
  const TensorEntry& s = reader.at("s");
  CHECK(s.dtype == DType::I32);
  CHECK(s.shape.empty());
  int32_t value = 0;
  REQUIRE(reader.bytes(s).size() == sizeof value);
  std::memcpy(&value, reader.bytes(s).data(), sizeof value);
  CHECK(value == -7);
  CHECK(reader.find("absent") == nullptr);
  CHECK_THROWS_WITH(reader.at("W"), Catch::Contains("error[checkpoint.tensor]"));
}

TEST_CASE("a safetensors header that disagrees with itself or the file is refused") {
  const auto one = [](const std::string& entry) { return "{\"a\":{" + entry + "}}"; };
  const std::string good = one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])");
  REQUIRE(refusal(file_of(good, 8)).empty());
  const auto corrupt = [](const std::string& bytes) {
    return refusal(bytes).rfind("checkpoint.corrupt: ", 0) == 0;
  };
  CHECK(corrupt(""));
  CHECK(corrupt(std::string(7, '\0')));
  CHECK(corrupt(file_of(good, 7)));  // cut
  CHECK(corrupt(file_of(good, 9)));  // something appended
  CHECK(corrupt(file_of(good, 8).substr(0, 20)));
  CHECK(corrupt(std::string(8, '\xff') + good));  // a header longer than any file
  CHECK(corrupt(file_of("[]", 0)));
  CHECK(corrupt(file_of("{\"a\":1}", 0)));
  CHECK(corrupt(file_of(one(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), 8)));
  CHECK(corrupt(file_of(one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), 8)));
  CHECK(corrupt(file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), 8)));
  CHECK(corrupt(file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])"), 8)));
  CHECK(corrupt(file_of(one(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), 8)));
  CHECK(corrupt(file_of(one(R"("dtype":"F32","shape":[2],"data_offsets":[0])"), 8)));
  CHECK(corrupt(file_of(one(R"("dtype":"F32","shape":[2])"), 8)));
  // 2^62 · 4 bytes is 0 modulo 2^64: a product that wraps around must not pass.
  CHECK(corrupt(
      file_of(one(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])"), 0)));
  CHECK(refusal(file_of(one(R"("dtype":"F16","shape":[4],"data_offsets":[0,8])"), 8))
            .rfind("checkpoint.dtype: ", 0) == 0);
}

TEST_CASE("safetensors that overlap, leave a gap or share a name are refused") {
  const auto two = [](const std::string& second, const std::string& range) {
    return file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},")" + second +
                       R"(":{"dtype":"F32","shape":[1],"data_offsets":)" + range + "}}",
                   12);
  };
  CHECK(refusal(two("b", "[8,12]")).empty());
  CHECK_THAT(refusal(two("b", "[4,8]")), Catch::Contains("overlap or leave a gap"));
  CHECK_THAT(refusal(two("b", "[9,13]")), Catch::Contains("overlap or leave a gap"));
  CHECK_THAT(refusal(two("a", "[8,12]")), Catch::Contains("appears twice"));
}
