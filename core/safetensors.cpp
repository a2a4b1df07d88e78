// See safetensors.h. Format: https://huggingface.co/docs/safetensors.
#include "core/safetensors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/json.h"

namespace causeway {
namespace {

constexpr size_t kSizeBytes = 8;               // the header's size, little-endian
constexpr size_t kMaxHeader = 100'000'000;     // the limit of the format's own library
constexpr const char* kFamily = "checkpoint";  // of the errors
constexpr const char* kMetadataKey = "__metadata__";

constexpr std::array<std::pair<std::string_view, DType>, 4> kDTypeNames{
    {{"F32", DType::F32}, {"BF16", DType::BF16}, {"F64", DType::F64}, {"I32", DType::I32}}};

std::string_view format_name(DType dtype) {
  for (const auto& [name, value] : kDTypeNames)
    if (value == dtype) return name;
  CHECK(false, "safetensors files hold no {}", dtype_name(dtype));
  return {};
}

/// Bytes of a tensor, or nothing when the sizes are negative or their product overflows.
std::optional<size_t> bytes_of(DType dtype, const std::vector<int64_t>& shape) {
  size_t bytes = dtype_size(dtype);
  for (const int64_t n : shape)
    if (n < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(n), &bytes)) return std::nullopt;
  return bytes;
}

void lay_out(std::vector<TensorEntry>& entries) {
  size_t offset = 0;
  for (TensorEntry& entry : entries) {
    const std::optional<size_t> bytes = bytes_of(entry.dtype, entry.shape);
    CHECK(bytes.has_value(), "tensor {} has an impossible shape", entry.name);
    entry.begin = offset;
    entry.end = offset += *bytes;
  }
}

/// Size and JSON, padded with spaces so that the data section starts at a multiple of 8.
std::string make_header(const std::vector<TensorEntry>& entries, SafetensorsMetadata metadata) {
  metadata.insert({"format", "pt"});
  Json header;
  header[kMetadataKey] = metadata;
  for (const TensorEntry& entry : entries) {
    CHECK(!header.contains(entry.name), "tensor {} appears twice", entry.name);
    header[entry.name] = {{"dtype", format_name(entry.dtype)},
                          {"shape", entry.shape},
                          {"data_offsets", {entry.begin, entry.end}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string size(kSizeBytes, '\0');
  for (size_t i = 0; i < kSizeBytes; ++i) size[i] = static_cast<char>(text.size() >> (8 * i));
  return size + text;
}

[[noreturn]] void fail_corrupt(const std::filesystem::path& path, const std::string& what) {
  throw Error({.id = "checkpoint.corrupt",
               .where = path.string(),
               .what = what,
               .remedy = "the file is damaged or incomplete: copy it again, or use another one"});
}

/// A list of whole numbers >= 0, as sizes and offsets are.
std::optional<std::vector<int64_t>> parse_numbers(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  for (const Json& number : value)
    if (!json_holds<int64_t>(number) || number.get<int64_t>() < 0) return std::nullopt;
  return value.get<std::vector<int64_t>>();
}

DType parse_dtype(const std::string& text, const std::string& name,
                  const std::filesystem::path& path) {
  for (const auto& [known, dtype] : kDTypeNames)
    if (known == text) return dtype;
  throw Error({.id = "checkpoint.dtype",
               .where = path.string(),
               .what = fmt::format("tensor \"{}\" has dtype {:.20}", name, text),
               .remedy = "Causeway reads F32, BF16, F64 and I32: convert the file first"});
}

/// {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, believed only where it adds up.
TensorEntry parse_entry(const std::string& name, const Json& value,
                        const std::filesystem::path& path) {
  const std::string at = path.string();
  const auto fail = [&](std::string_view what) {
    fail_corrupt(path, fmt::format("tensor \"{:.100}\" {}", name, what));
  };
  TensorEntry entry;
  entry.name = name;
  try {
    entry.dtype = parse_dtype(json_get<std::string>(value, "dtype", at, kFamily), name, path);
    const auto shape = parse_numbers(json_get<Json>(value, "shape", at, kFamily));
    const auto range = parse_numbers(json_get<Json>(value, "data_offsets", at, kFamily));
    if (!shape || !range || range->size() != 2) fail("has a malformed shape or data_offsets");
    entry.shape = *shape;
    entry.begin = static_cast<size_t>(range->at(0));
    entry.end = static_cast<size_t>(range->at(1));
  } catch (const Error& error) {
    if (error.id() == "checkpoint.json") fail("is malformed: " + error.info().what);
    throw;
  }
  const std::optional<size_t> bytes = bytes_of(entry.dtype, entry.shape);
  if (!bytes) fail("has a shape beyond all memory");
  if (entry.end < entry.begin || entry.end - entry.begin != *bytes)
    fail(fmt::format("needs {} bytes by its shape, its data_offsets are [{}, {}]", *bytes,
                     entry.begin, entry.end));
  return entry;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::vector<TensorEntry> entries, SafetensorsMetadata metadata)
    : entries_(std::move(entries)), file_(path) {
  lay_out(entries_);
  file_.write(make_header(entries_, std::move(metadata)));
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  while (current_ < entries_.size() && written_ == entries_[current_].end) ++current_;
  if (bytes.empty()) return;
  CHECK(current_ < entries_.size(), "{} bytes beyond the last tensor", bytes.size());
  const TensorEntry& entry = entries_[current_];
  CHECK(bytes.size() <= entry.end - written_, "{} bytes, where {} are left of {}", bytes.size(),
        entry.end - written_, entry.name);
  file_.write(bytes);
  written_ += bytes.size();
}

void SafetensorsWriter::close() {
  const size_t expected = entries_.empty() ? 0 : entries_.back().end;
  CHECK(written_ == expected, "{} of {} bytes written", written_, expected);
  file_.close();
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), map_(path, kFamily) {
  read_header();
  std::sort(entries_.begin(), entries_.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  // The format allows neither gaps nor overlaps: every byte belongs to one tensor.
  const size_t data_size = map_.bytes().size() - data_begin_;
  size_t offset = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const TensorEntry& entry = entries_[i];
    if (entry.begin != offset)
      fail_corrupt(path_, fmt::format("tensor \"{}\" starts at byte {} of the data, where {} was "
                                      "expected: tensors overlap or leave a gap",
                                      entry.name, entry.begin, offset));
    offset = entry.end;
    index_[entry.name] = i;
  }
  if (offset != data_size)
    fail_corrupt(path_, fmt::format("the header promises {} bytes of data, the file has {}", offset,
                                    data_size));
}

void SafetensorsFile::read_header() {
  const std::span<const std::byte> file = map_.bytes();
  if (file.size() < kSizeBytes)
    fail_corrupt(path_, fmt::format("{} bytes are too few for a safetensors file", file.size()));
  uint64_t size = 0;
  for (size_t i = 0; i < kSizeBytes; ++i) size |= std::to_integer<uint64_t>(file[i]) << (8 * i);
  if (size > std::min(kMaxHeader, file.size() - kSizeBytes))
    fail_corrupt(path_, fmt::format("a header of {} bytes in a file of {}", size, file.size()));
  data_begin_ = kSizeBytes + static_cast<size_t>(size);
  const auto* text = reinterpret_cast<const char*>(file.data()) + kSizeBytes;
  Json header;
  try {
    header = parse_json({text, static_cast<size_t>(size)}, path_.string(), kFamily);
  } catch (const Error& error) {
    fail_corrupt(path_, "the header is damaged: " + error.info().what);
  }
  if (!header.is_object()) fail_corrupt(path_, "the header is no JSON object");
  for (const auto& item : header.items()) {
    if (item.key() != kMetadataKey) {
      entries_.push_back(parse_entry(item.key(), item.value(), path_));
      continue;
    }
    try {
      metadata_ = item.value().get<SafetensorsMetadata>();
    } catch (const Json::exception&) {
      fail_corrupt(path_, "the header's __metadata__ is no map of strings");
    }
  }
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &entries_[found->second];
}

const TensorEntry& SafetensorsFile::at(std::string_view name) const {
  if (const TensorEntry* entry = find(name)) return *entry;
  std::vector<std::string> names;
  for (const TensorEntry& entry : entries_) names.push_back(entry.name);
  const std::string near = did_you_mean(name, names);
  throw Error(
      {.id = "checkpoint.tensor",
       .where = path_.string(),
       .what = fmt::format("holds no tensor \"{}\" among its {}{}", name, names.size(),
                           near.empty() ? "" : fmt::format("; the closest is \"{}\"", near)),
       .remedy = "is it a checkpoint of another model? config.json beside it says which"});
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorEntry& entry) const {
  return map_.bytes().subspan(data_begin_ + entry.begin, entry.size_bytes());
}

}  // namespace causeway
