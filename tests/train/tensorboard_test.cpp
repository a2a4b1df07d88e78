// The event file through a decoder written from the formats' definitions, not from our encoder:
// TFRecord frames, a bit-by-bit CRC, and a general protobuf reader.
#include "train/tensorboard.h"

#include <cstring>
#include <map>
#include <vector>

#include "tests/train/temp_folder.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

// Unreflected polynomial 0x1EDC6F41, bits taken lowest first, one at a time.
uint32_t slow_crc32c(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const unsigned char byte : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool top = (crc >> 31) ^ ((byte >> bit) & 1);
      crc = (crc << 1) ^ (top ? 0x1EDC6F41u : 0);
    }
  }
  uint32_t reflected = 0;
  for (int bit = 0; bit < 32; ++bit) reflected |= ((crc >> bit) & 1) << (31 - bit);
  return ~reflected;
}

template <class T>
T take(std::string& bytes) {
  REQUIRE(bytes.size() >= sizeof(T));
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.erase(0, sizeof value);
  return value;
}

std::string take_bytes(std::string& bytes, uint64_t n) {
  REQUIRE(bytes.size() >= n);
  std::string head = bytes.substr(0, n);
  bytes.erase(0, n);
  return head;
}

uint32_t unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return (rotated << 15) | (rotated >> 17);
}

std::vector<std::string> records(std::string file) {
  std::vector<std::string> result;
  while (!file.empty()) {
    const std::string length = file.substr(0, 8);
    const auto size = take<uint64_t>(file);
    REQUIRE(unmask(take<uint32_t>(file)) == slow_crc32c(length));
    result.push_back(take_bytes(file, size));
    REQUIRE(unmask(take<uint32_t>(file)) == slow_crc32c(result.back()));
  }
  return result;
}

/// Fields of one message: number → raw values (numbers as their little-endian bytes).
std::map<uint64_t, std::vector<std::string>> message(std::string bytes) {
  const auto take_varint = [&bytes] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = take<uint8_t>(bytes);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  };
  std::map<uint64_t, std::vector<std::string>> fields;
  while (!bytes.empty()) {
    const uint64_t key = take_varint();
    std::string value;
    switch (key & 7) {
      case 0: {
        const uint64_t number = take_varint();
        value.assign(reinterpret_cast<const char*>(&number), 8);
        break;
      }
      case 1:
        value = take_bytes(bytes, 8);
        break;
      case 2:
        value = take_bytes(bytes, take_varint());
        break;
      case 5:
        value = take_bytes(bytes, 4);
        break;
      default:
        FAIL("unknown wire type " << (key & 7));
    }
    fields[key >> 3].push_back(value);
  }
  return fields;
}

std::vector<std::string> only_file(const TempFolder& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    paths.push_back(entry.path());
  REQUIRE(paths.size() == 1);
  CHECK_THAT(paths[0].filename().string(), Catch::StartsWith("events.out.tfevents."));
  return records(read_text(paths[0]));
}

}  // namespace

TEST_CASE("crc32c gives the published check values") {
  CHECK(crc32c("123456789") == 0xe3069283u);            // the catalogue's check value
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);  // RFC 3720, B.4
  CHECK(slow_crc32c("123456789") == 0xe3069283u);
}

TEST_CASE("an independent decoder reads the scalars back") {
  TempFolder folder;
  {
    TensorBoardFile file(folder.path(), 0);
    file.add(300, {{"loss/train", 2.5}, {"lr", 1e-3}});
    file.add(int64_t{1} << 40, {{"loss/val", 1.25}});
    CHECK(file.ok());
  }
  const auto events = only_file(folder);
  REQUIRE(events.size() == 3);
  CHECK(message(events[0])[3] == std::vector<std::string>{"brain.Event:2"});

  auto event = message(events[1]);
  CHECK(take<uint64_t>(event[2][0]) == 300);
  CHECK(take<double>(event[1][0]) > 1.6e9);  // seconds since 1970
  const auto values = message(event[5][0])[1];
  REQUIRE(values.size() == 2);
  CHECK(message(values[0])[1][0] == "loss/train");
  CHECK(take<float>(message(values[0])[2][0]) == 2.5f);
  CHECK(message(values[1])[1][0] == "lr");
  CHECK(take<float>(message(values[1])[2][0]) == 1e-3f);
  CHECK(take<uint64_t>(message(events[2])[2][0]) == uint64_t{1} << 40);
}

TEST_CASE("a resumed run tells TensorBoard where it starts") {
  TempFolder folder;
  { TensorBoardFile file(folder.path(), 501); }
  auto start = message(only_file(folder).at(1));
  CHECK(take<uint64_t>(start[2][0]) == 501);
  CHECK(take<uint64_t>(message(start[7][0])[1][0]) == 1);  // SessionLog.START
}

TEST_CASE("an event file that cannot be opened is an error that names it") {
  TempFolder folder;
  write_text(folder / "file", "");  // no folder, even for root
  CHECK_THROWS_WITH(TensorBoardFile(folder / "file", 0), Catch::Contains("error[disk.open]"));
}
