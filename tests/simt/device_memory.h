// What the emulated device has lent, for tests of who allocates, when, and how much; and its clock.
// Read next: host_runtime.cpp, memory_test.cpp.
#pragma once
#include <cstddef>
#include <cstdint>

namespace causeway {

struct DeviceMemory {
  size_t limit = size_t{1} << 40;  ///< bytes; more is refused
  int64_t allocations = 0;         ///< so far
  size_t held = 0;                 ///< bytes, now
};
DeviceMemory& device_memory();

/// Time of the device, which only its products claim to take.
double& device_seconds();

}  // namespace causeway
