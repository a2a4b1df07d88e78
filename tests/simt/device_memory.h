// What the emulated device has lent: for tests of who allocates, when, and how much. Read next:
// host_runtime.cpp, memory_test.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

namespace causeway {

struct DeviceMemory {
  size_t limit = size_t{1} << 40;        ///< bytes; more is refused
  int64_t allocations = 0;               ///< so far
  std::map<const void*, size_t> blocks;  ///< bytes of each that is held

  size_t held() const {
    size_t sum = 0;
    for (const auto& [block, bytes] : blocks) sum += bytes;
    return sum;
  }
};
DeviceMemory& device_memory();

}  // namespace causeway
