// See places.h.
#include "tests/places.h"

#include <cstdlib>

namespace causeway::test {

const std::filesystem::path& source_folder() {
  static const std::filesystem::path folder = CAUSEWAY_SOURCE_DIR;
  return folder;
}

const std::filesystem::path& program_path() {
  static const std::filesystem::path path = CAUSEWAY_PROGRAM;
  return path;
}

std::filesystem::path shared_data(const std::string& name) {
  const char* set = std::getenv("CAUSEWAY_SHARED");
  const std::filesystem::path root =
      set ? std::filesystem::path(set) : source_folder() / ".." / "shared" / "data";
  return std::filesystem::exists(root / name) ? root / name : std::filesystem::path();
}

}  // namespace causeway::test
