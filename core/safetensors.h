// The safetensors format (8 bytes of header size, a JSON header, then the tensors back to back), as
// Hugging Face's tools read and write it. Read next: checkpoint.h, the folder such files live in.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"
#include "core/file.h"

namespace causeway {

/// One tensor of a file. The writer takes name, dtype and shape and computes the range itself.
struct TensorEntry {
  std::string name;
  DType dtype = DType::F32;         ///< F32, BF16, F64 or I32: what the project's files hold
  std::vector<int64_t> shape = {};  ///< row-major; empty for a scalar
  size_t begin = 0;  ///< [begin, end): bytes within the data section, after the header
  size_t end = 0;

  size_t size_bytes() const { return end - begin; }
};

using SafetensorsMetadata = std::map<std::string, std::string>;

/// Writes one file from front to back, holding nothing of it but the header.
class SafetensorsWriter {
 public:
  /// Lays the tensors out in the order given and writes the header; {"format": "pt"}, which
  /// `transformers` insists on, is added to `metadata`. Throws Error "disk.*".
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorEntry> entries,
                    SafetensorsMetadata metadata = {});

  /// The next bytes, in the order of the entries: a whole tensor or a piece of one, never of two.
  /// Throws Error "disk.*".
  void write(std::span<const std::byte> bytes);
  template <class T>
  void write_values(std::span<const T> values) {
    write(std::as_bytes(values));
  }
  /// Syncs and closes; every tensor must have been written. Throws Error "disk.*".
  void close();

  /// With their ranges, in file order.
  const std::vector<TensorEntry>& entries() const { return entries_; }

 private:
  std::vector<TensorEntry> entries_;
  FileWriter file_;
  size_t current_ = 0;  // the tensor being written
  size_t written_ = 0;  // bytes of the data section so far
};

/// A file read through a map. Everything the header says is checked before it is believed.
class SafetensorsFile {
 public:
  /// Throws Error "checkpoint.missing" or "checkpoint.read"; "checkpoint.corrupt" when the header
  /// is damaged or disagrees with the file; "checkpoint.dtype" for an element type not listed
  /// above.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// In file order.
  const std::vector<TensorEntry>& entries() const { return entries_; }
  /// nullptr when there is none of that name.
  const TensorEntry* find(std::string_view name) const;
  /// Throws Error "checkpoint.tensor" naming the closest tensor there is.
  const TensorEntry& at(std::string_view name) const;
  /// A view into the map, valid as long as this object. The format aligns nothing: copy the bytes
  /// out (memcpy) instead of casting the pointer.
  std::span<const std::byte> bytes(const TensorEntry& entry) const;
  /// Gives the memory of what has been read back to the system; spans stay valid.
  void forget() const { map_.forget(); }
  const SafetensorsMetadata& metadata() const { return metadata_; }

 private:
  void read_header();

  std::filesystem::path path_;
  FileMap map_;
  std::vector<TensorEntry> entries_;     // by begin
  std::map<std::string, size_t> index_;  // name -> place in entries_
  SafetensorsMetadata metadata_;
  size_t data_begin_ = 0;  // where the data section starts in the file
};

}  // namespace causeway
