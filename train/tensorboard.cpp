// See tensorboard.h.
#include "train/tensorboard.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>

#include "core/error.h"

namespace causeway {
namespace {

// ---- protobuf's wire format: each field is its number and type, then its value
enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string key(uint32_t field, WireType type) { return varint(field << 3 | type); }

std::string double_field(uint32_t field, double value) {
  return key(field, kFixed64) + little_endian(std::bit_cast<uint64_t>(value), 8);
}

std::string float_field(uint32_t field, float value) {
  return key(field, kFixed32) + little_endian(std::bit_cast<uint32_t>(value), 4);
}

std::string int_field(uint32_t field, int64_t value) {
  return key(field, kVarint) + varint(static_cast<uint64_t>(value));
}

std::string bytes_field(uint32_t field, std::string_view value) {
  return key(field, kLength) + varint(value.size()) + std::string(value);
}

// ---- TFRecord: length, its masked CRC, data, its masked CRC
std::string masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return little_endian(((crc >> 15) | (crc << 17)) + 0xa282ead8u, 4);
}

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    table[byte] = crc;
  }
  return table;
}();

double seconds_since_epoch() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 255];
  return ~crc;
}

TensorBoardFile::TensorBoardFile(const std::filesystem::path& folder, int64_t first_step) {
  // TensorBoard reads the files of a folder in the order of their names: seconds first.
  const auto path = folder / fmt::format("events.out.tfevents.{:.0f}.causeway.{}",
                                         seconds_since_epoch(), getpid());
  out_.open(path, std::ios::binary | std::ios::app);
  if (!out_) {
    throw Error({.id = "disk.open",
                 .where = path.string(),
                 .what = "cannot create the TensorBoard file",
                 .remedy = "check the folder's permissions and the free space"});
  }
  write_event(0, bytes_field(3, "brain.Event:2"));  // Event.file_version
  // Event.session_log, status START: TensorBoard drops older points of this step and later ones.
  if (first_step > 0) write_event(first_step, bytes_field(7, int_field(1, 1)));
}

void TensorBoardFile::add(int64_t step, std::initializer_list<Scalar> scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {  // Summary.value: tag = 1, simple_value = 2
    summary += bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
  }
  write_event(step, bytes_field(5, summary));  // Event.summary
}

void TensorBoardFile::write_event(int64_t step, std::string_view encoded_content) {
  const std::string event =
      double_field(1, seconds_since_epoch()) + int_field(2, step) + std::string(encoded_content);
  const std::string length = little_endian(event.size(), 8);
  out_ << length << masked_crc(length) << event << masked_crc(event) << std::flush;
}

}  // namespace causeway
