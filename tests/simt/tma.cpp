// TMA lands as late as the rules allow: loads when no thread can go on without, stores at the wait
// that covers them (or when the block ends). Till then the destination of a load holds NaN.
#include <fmt/format.h>

#include <cstring>

#include "tests/simt/sm90_state.h"

namespace causeway::simt {
namespace {

using cuda::TensorMap;

struct Box {
  TensorMap map;
  uint32_t shared;
  int x, y;
  size_t bytes() const { return static_cast<size_t>(map.box_rows) * 128; }
};
struct Load {
  Box box;
  uint32_t bar;
  Thread* thread;
};
struct Store {
  Box box;
  unsigned group;
};
std::vector<Load> loads;
std::vector<Store> stores[kMaxThreads];
unsigned store_group[kMaxThreads];

void* checked_box(const Box& box, const char* what) {
  if (box.shared % 1024 != 0)
    fail(fmt::format("{}: shared memory not aligned to 1024 bytes", what));
  return shared_pointer(box.shared, box.bytes(), 16, what);
}

/// Calls f(shared memory, global memory) for each element; global is null outside of the tensor.
template <class F>
void for_elements(const Box& box, F f) {
  for (int r = 0; r < box.map.box_rows; ++r)
    for (int c = 0; c < box.map.box_columns; ++c) {
      const uint32_t a = swizzle128(box.shared + static_cast<uint32_t>(r * 128 + c * 2));
      const int64_t x = box.x + c, y = box.y + r;
      const bool inside = x >= 0 && x < box.map.columns && y >= 0 && y < box.map.rows;
      f(shared_bytes() + (a - kSharedBase),
        inside ? static_cast<uint16_t*>(box.map.base) + y * box.map.stride + x : nullptr);
    }
}

/// Checks are made in the name of the thread that started the copy.
class InNameOf {
 public:
  explicit InNameOf(Thread* t) : before_(machine.current) { machine.current = t; }
  ~InNameOf() { machine.current = before_; }

 private:
  Thread* before_;
};

void land(const Load& load) {
  {
    const InNameOf name(load.thread);
    for_elements(load.box, [](unsigned char* to, const uint16_t* from) {
      const uint16_t zero = 0;
      std::memcpy(to, from ? from : &zero, 2);
    });
  }
  Mbarrier& b = mbarrier(load.bar);
  b.bytes -= static_cast<int64_t>(load.box.bytes());
  Warp& w = warp_of(*load.thread);
  ++w.clock[static_cast<size_t>(w.id)];
  join(b.arrived, w.clock);
  advance(load.bar, b);
}

void land(const Store& store) {
  for_elements(store.box, [](unsigned char* from, uint16_t* to) {
    check(from, 2, Access::AsyncRead, __builtin_return_address(0));
    if (!to) return;
    check(to, 2, Access::AsyncWrite, __builtin_return_address(0));
    std::memcpy(to, from, 2);
  });
}

}  // namespace

void tma_reset() {
  loads.clear();
  for (auto& s : stores) s.clear();
}

void tma_load(uint32_t dst, const TensorMap& map, uint32_t bar, int x, int y) {
  const Box box{map, dst, x, y};
  void* to = checked_box(box, "TMA load");
  mbarrier(bar);
  check(to, box.bytes(), Access::AsyncWrite, __builtin_return_address(0));
  std::memset(to, 0xff, box.bytes());
  // Marked as written when asked for: who reads before the barrier finds a race and NaN.
  loads.push_back({box, bar, machine.current});
}

bool tma_progress() {
  if (loads.empty()) return false;
  const size_t n = random_below(static_cast<unsigned>(loads.size()));
  const Load load = loads[n];
  loads.erase(loads.begin() + static_cast<std::ptrdiff_t>(n));
  land(load);
  return true;
}

void tma_store(const TensorMap& map, uint32_t src, int x, int y) {
  const Box box{map, src, x, y};
  const void* from = checked_box(box, "TMA store");
  check(from, box.bytes(), Access::AsyncRead, __builtin_return_address(0));
  const auto id = static_cast<size_t>(machine.current->id);
  stores[id].push_back({box, store_group[id]});
}
void tma_store_commit() { ++store_group[machine.current->id]; }
void tma_store_wait(int pending) {
  const auto id = static_cast<size_t>(machine.current->id);
  std::erase_if(stores[id], [&](const Store& s) {
    if (static_cast<int>(store_group[id] - s.group) <= pending) return false;
    land(s);
    return true;
  });
}

void tma_leave(const Thread& t) {
  if (!stores[t.id].empty()) fail("returns with a TMA store that was never waited for");
}

void fence_proxy_async() { ++machine.current->proxy_fences; }

}  // namespace causeway::simt
