// Memory that kernels may touch, with a shadow cell per two bytes where accesses are checked.
#pragma once
#include <cstdint>
#include <vector>

#include "tests/simt/state.h"

namespace causeway::simt {

constexpr uint16_t kSeveral = 0xffff;  ///< in place of a thread: see `readers` in shadow.cpp

/// Who touched two bytes last. Times are the warp's own clock at the access.
struct Cell {
  enum : uint8_t {
    kWritten = 1,      ///< has a value, of whatever age
    kWrite = 2,        ///< by `writer` in this block
    kRead = 4,         ///< by `reader` in this block, since the last write
    kAtomic = 8,       ///< that write was an atomic
    kOtherWrite = 16,  ///< by an earlier block of this launch
    kOtherRead = 32,
    kOtherAtomic = 64,
    kGeneric = 128,  ///< that write was an ordinary one, unlike TMA's
  };
  uint32_t block = 0;
  uint32_t write_time = 0, read_time = 0;
  uint16_t writer = 0, reader = 0;
  uint16_t fences = 0;  ///< the writer's fence.proxy.async before the write
  uint8_t flags = 0;
};

struct Region {
  uintptr_t begin, end;    ///< bytes a kernel may touch
  uintptr_t first, after;  ///< with redzones
  const char* name;
  bool shared;
  std::vector<Cell> cells;
};

Region* find_region(uintptr_t address);
Region& shared_region();

}  // namespace causeway::simt
