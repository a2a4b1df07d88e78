// mbarriers: a phase ends when all arrivals and all expected bytes are in.
#include <map>

#include "tests/simt/sm90_state.h"

namespace causeway::simt {
namespace {
std::map<uint32_t, Mbarrier> barriers;
}

void mbarriers_reset() { barriers.clear(); }

void sm90_reset_block() { mbarriers_reset(), tma_reset(), wgmma_reset(); }
void sm90_leave(const Thread& t) { tma_leave(t), wgmma_leave(t); }

Mbarrier& mbarrier(uint32_t address) {
  const auto found = barriers.find(address);
  if (found == barriers.end()) fail("use of an mbarrier that was not initialised");
  return found->second;
}

void advance(uint32_t address, Mbarrier& b) {
  if (b.pending > 0 || b.bytes != 0) return;
  b.phase ^= 1, b.pending = b.count;
  join(b.completed, b.arrived);
  for (int i = 0; i < machine.thread_count; ++i) {
    Thread& t = machine.threads[static_cast<size_t>(i)];
    if (t.wait == Wait::Mbarrier && t.mbarrier == address) make_ready(t);
  }
}

void mbar_init(uint32_t bar, int count) {
  shared_pointer(bar, 8, 8, "mbarrier.init");
  barriers[bar] = {.count = count, .pending = count, .bytes = 0, .phase = 0};
}

void mbar_arrive(uint32_t bar, int expect_bytes) {
  Mbarrier& b = mbarrier(bar);
  if (b.pending <= 0) fail("more arrivals at an mbarrier than it counts");
  Warp& w = warp_of(*machine.current);
  ++w.clock[static_cast<size_t>(w.id)];
  join(b.arrived, w.clock);
  --b.pending, b.bytes += expect_bytes;
  advance(bar, b);
}

bool mbar_test(uint32_t bar, uint32_t parity) {
  Mbarrier& b = mbarrier(bar);
  if (b.phase == parity) return false;
  join(warp_of(*machine.current).clock, b.completed);
  return true;
}

void mbar_wait(uint32_t bar, uint32_t parity, Place place) {
  Thread& t = *machine.current;
  while (!mbar_test(bar, parity)) {
    t.wait = Wait::Mbarrier, t.mbarrier = bar, t.place = place;
    join_waiting(t);
    wait_until_ready(t);
  }
}

}  // namespace causeway::simt
