// Barriers of a block, and what becomes of those who wait when a thread returns.
#include <fmt/format.h>

#include "tests/simt/state.h"

namespace causeway::simt {
namespace {

bool waits_in(const Thread& t, int id) { return t.wait == Wait::Barrier && t.barrier == id; }

template <class F>
void for_waiting(int id, F f) {
  for (int i = 0; i < machine.thread_count; ++i) {
    Thread& t = machine.threads[static_cast<size_t>(i)];
    if (waits_in(t, id)) f(t);
  }
}

void release(int id) {
  Barrier& b = machine.barriers[static_cast<size_t>(id)];
  Clock all = b.arrivals;
  const Thread* first = nullptr;
  uint32_t warps = 0;
  for_waiting(id, [&](const Thread& t) {
    if (!first) first = &t;
    if (id == 0 && !(t.place == first->place))
      fail(fmt::format("divergent barrier: thread {} waits in {}, thread {} in {}", first->id,
                       describe(*first), t.id, describe(t)));
    warps |= 1u << (t.id / kWarpSize);
  });
  for (Warp& w : machine.warps)
    if (warps >> w.id & 1) ++w.clock[static_cast<size_t>(w.id)], join(all, w.clock);
  for (Warp& w : machine.warps)
    if (warps >> w.id & 1) w.clock = all;
  for_waiting(id, make_ready);
  const int votes = b.votes;
  b = {};
  b.result = votes;
}

/// The barrier, checked, and with one more thread in it.
Barrier& enter(int id, int threads, Place place) {
  Thread& t = *machine.current;
  t.barrier = id, t.place = place;
  if (id < 0 || id >= kBarriers) fail(fmt::format("barrier {}: there are 0 to 15", id));
  const int whole_warps = machine.warp_count() * kWarpSize;
  if (threads % kWarpSize != 0 || threads > whole_warps)
    fail(fmt::format("barrier {} for {} threads: whole warps of the block only", id, threads));
  if (threads == 0) {
    threads = options.strict_exit ? machine.thread_count : machine.alive;
    if (options.strict_exit && machine.alive < machine.thread_count)
      fail(fmt::format("comes to a barrier at {}:{} after {} thread(s) returned", place.file,
                       place.line, machine.thread_count - machine.alive));
  }
  Barrier& b = machine.barriers[static_cast<size_t>(id)];
  if (b.arrived > 0 && b.expected != threads)
    fail(fmt::format("barrier {} for {} threads, of others for {}", id, threads, b.expected));
  b.expected = threads;
  ++b.arrived;
  return b;
}

}  // namespace

int barrier(int id, int threads, Place place, int vote) {
  Thread& t = *machine.current;
  Barrier& b = enter(id, threads, place);
  t.wait = Wait::Barrier;
  join_waiting(t);
  b.votes += vote;
  if (b.arrived == b.expected)
    release(id);
  else
    wait_until_ready(t);
  return b.result;
}

void barrier_arrive(int id, int threads, Place place) {
  Barrier& b = enter(id, threads, place);
  Warp& w = warp_of(*machine.current);
  ++w.clock[static_cast<size_t>(w.id)];
  join(b.arrivals, w.clock);
  if (b.arrived == b.expected) release(id);
}

void leave(Thread& t) {
  Warp& w = warp_of(t);
  for (const AsyncCopy& copy : t.copies)
    if (copy.src_bytes > 0) fail("returns with a cp.async that was never waited for");
  sm90_leave(t);
  t.done = true;
  w.ready &= ~lane_bit(t);
  w.done |= lane_bit(t);
  --machine.alive;
  for_lanes(w, w.waiting, [&](const Thread& other) {
    if (other.wait == Wait::Lanes && (other.mask & lane_bit(t)))
      fail(fmt::format("returns while thread {} waits for it in {}", other.id, describe(other)));
  });
  Barrier& b = machine.barriers[0];
  if (b.arrived == 0) return;
  if (!options.strict_exit) {
    b.expected = machine.alive;
    if (b.arrived == b.expected) release(0);
    return;
  }
  for_waiting(0, [&](const Thread& other) {
    fail(fmt::format("returns while thread {} waits in {}", other.id, describe(other)));
  });
}

}  // namespace causeway::simt
