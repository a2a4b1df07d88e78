// Packed files for tests, made by the system's own packers.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

namespace causeway::test {

/// FILE.gz or FILE.zst beside `file`; "" where this machine has no such packer.
inline std::filesystem::path packed(const std::string& packer, const std::filesystem::path& file) {
  const std::string to = file.string() + (packer == "gzip" ? ".gz" : ".zst");
  const std::string command = packer + " -q -c " + file.string() + " > " + to + " 2>/dev/null";
  return std::system(command.c_str()) == 0 ? to : std::string();
}

}  // namespace causeway::test
