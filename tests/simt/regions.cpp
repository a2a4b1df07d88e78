// The list of memory that kernels may touch.
#include "tests/simt/regions.h"

#include <memory>

#include "tests/simt/sanitizer.h"

namespace causeway::simt {
namespace {

struct Regions {
  std::vector<std::unique_ptr<Region>> all;
  Region* last = nullptr;  ///< most accesses are to where the one before was
};
/// Never destroyed: static backends of tests free their memory at exit.
Regions& regions() {
  static Regions* const list = std::make_unique<Regions>().release();
  return *list;
}

void* pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

}  // namespace

Region& shared_region() {
  static Region& region = []() -> Region& {
    const auto begin = reinterpret_cast<uintptr_t>(shared_bytes());
    auto made = std::make_unique<Region>(Region{
        begin, begin + kSharedBytes, begin, begin + kSharedBytes, "shared memory", true, {}});
    made->cells.resize(kSharedBytes / 2);
    return *regions().all.emplace_back(std::move(made));
  }();
  return region;
}

Region* find_region(uintptr_t address) {
  Regions& list = regions();
  if (list.last && address >= list.last->first && address < list.last->after) return list.last;
  for (const auto& r : list.all)
    if (address >= r->first && address < r->after) return list.last = r.get();
  return nullptr;
}

void add_region(const void* p, size_t bytes, size_t redzone, bool initialised, const char* name) {
  const auto begin = reinterpret_cast<uintptr_t>(p);
  auto region = std::make_unique<Region>(
      Region{begin, begin + bytes, begin - redzone, begin + bytes + redzone, name, false, {}});
  if (checking) region->cells.resize(bytes / 2 + 1);
  const uint8_t flags = initialised ? Cell::kWritten : 0;
  for (Cell& c : region->cells) c.flags = flags;
  regions().all.push_back(std::move(region));
  ASAN_POISON_MEMORY_REGION(pointer(begin - redzone), redzone);
  ASAN_POISON_MEMORY_REGION(pointer(begin + (bytes + 7) / 8 * 8), redzone);
}

void remove_region(const void* p) {
  Regions& list = regions();
  list.last = nullptr;
  std::erase_if(list.all, [&](const auto& r) {
    if (r->shared || r->begin != reinterpret_cast<uintptr_t>(p)) return false;
    ASAN_UNPOISON_MEMORY_REGION(pointer(r->first), r->after - r->first);
    return true;
  });
}

}  // namespace causeway::simt
