// Bytes of an input in their order, unpacked where they are packed: plain files, gzip, zstd.
// Read next: documents.h; gzip.cpp and zstd.cpp, each the one place that knows its library.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace causeway {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to out.size() bytes; 0 at the end. Throws data.read, data.corrupt, data.truncated.
  virtual size_t read(std::span<char> out) = 0;
  /// Bytes taken from the disk so far.
  virtual int64_t taken() const = 0;
};

/// Looks at the first bytes, not at the name. Throws data.missing, data.read.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

/// Concatenated members are read as one.
std::unique_ptr<ByteSource> unpack_gzip(std::unique_ptr<ByteSource> packed, std::string where);
std::unique_ptr<ByteSource> unpack_zstd(std::unique_ptr<ByteSource> packed, std::string where);

/// "data.truncated": the packed file `where` ends too early.
[[noreturn]] void throw_truncated(const std::string& where);
/// "data.corrupt": the packed file `where` cannot be unpacked.
[[noreturn]] void throw_unpack_error(const std::string& where, const std::string& why);

}  // namespace causeway
