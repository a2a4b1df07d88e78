// XXH3-128 of bytes and files: how data, checkpoints and configs are compared. Not cryptographic:
// it guards against accidents. Read next: checkpoint.h.
#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace causeway {

/// 32 hex digits.
std::string hash_hex(std::span<const std::byte> bytes);
std::string hash_hex(std::string_view text);
/// Of a file's content, without holding it in memory. Throws like read_file.
std::string hash_file(const std::filesystem::path& path, std::string_view family = "data");

/// The same, piece by piece.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace causeway
