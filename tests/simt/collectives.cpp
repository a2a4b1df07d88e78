// Warp collectives: who has come, who can never come, and the results of shuffles, votes and
// reductions. mma and ldmatrix are in fragments.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "tests/simt/state.h"
#include "tests/simt/warp.h"

namespace causeway::simt {

void join_waiting(Thread& t) {
  Warp& w = warp_of(t);
  const bool lanes = t.wait == Wait::Lanes;
  const Collective* what = lanes ? t.collective : nullptr;
  const unsigned mask = lanes ? t.mask : 0;
  if (!w.waiting) w.uniform = true, w.wait = t.wait, w.collective = what, w.mask = mask;
  if (w.uniform && w.wait == t.wait && w.collective == what && w.mask == mask) return;
  w.uniform = false;
  const auto needs = [](const Thread& a, const Thread& b) {
    if (a.wait == Wait::Barrier) return a.barrier == 0;
    return a.wait == Wait::Lanes && (a.mask & lane_bit(b)) != 0;
  };
  const auto same = [](const Thread& a, const Thread& b) {
    if (a.wait != b.wait) return false;
    return a.wait != Wait::Lanes || (a.collective == b.collective && a.mask == b.mask);
  };
  for_lanes(w, w.waiting, [&](const Thread& other) {
    if (needs(t, other) && needs(other, t) && !same(t, other))
      fail(fmt::format("divergent warp: in {} while thread {} is in {}", describe(t), other.id,
                       describe(other)));
  });
}

namespace {

void check_mask(const Thread& t, const Warp& w) {
  if (!(t.mask & lane_bit(t)))
    fail(fmt::format("calls {} with a mask that leaves itself out", describe(t)));
  if (t.mask & ~w.exist)
    fail(fmt::format("{} names lanes that the block does not have", describe(t)));
  if (t.mask & w.done)
    fail(fmt::format("{} names lanes that have returned ({:#010x})", describe(t), t.mask & w.done));
}

/// The lanes that wait in the very operation that `t` comes to.
unsigned arrived(const Thread& t, Warp& w) {
  if (w.uniform) return w.waiting | lane_bit(t);
  unsigned lanes = lane_bit(t);
  for_lanes(w, w.waiting & t.mask, [&](const Thread& other) {
    if (other.wait == Wait::Lanes && other.collective == t.collective && other.mask == t.mask)
      lanes |= lane_bit(other);
  });
  return lanes;
}

template <class T>
T operands(const Thread& t) {
  T value;
  std::memcpy(&value, t.operands, sizeof value);
  return value;
}
template <class T>
void give(Thread& t, const T& value) {
  std::memcpy(t.result, &value, sizeof value);
}

void sync_warp(Warp& w, unsigned) { ++w.clock[static_cast<size_t>(w.id)]; }

void shuffle_lanes(Warp& w, unsigned mask) {
  for_lanes(w, mask, [&](Thread& t) {
    const int source = operands<ShuffleOperands>(t).source;
    if (!(mask >> source & 1))
      fail(fmt::format("lane {} shuffles from lane {}, which is not in mask {:#010x}", t.id % 32,
                       source, mask));
    give(t, operands<ShuffleOperands>(w.lanes()[source]).bits);
  });
}

void ballot_lanes(Warp& w, unsigned mask) {
  unsigned votes = 0;
  for_lanes(w, mask, [&](const Thread& t) { votes |= operands<int>(t) ? lane_bit(t) : 0; });
  for_lanes(w, mask, [&](Thread& t) { give(t, votes); });
}

void match_lanes(Warp& w, unsigned mask) {
  for_lanes(w, mask, [&](Thread& t) {
    unsigned same = 0;
    for_lanes(w, mask, [&](const Thread& other) {
      same |= operands<uint64_t>(other) == operands<uint64_t>(t) ? lane_bit(other) : 0;
    });
    give(t, same);
  });
}

uint32_t reduced(const ReduceOperands& a, uint32_t b) {
  const auto least = a.is_signed ? static_cast<uint32_t>(std::min(int32_t(a.bits), int32_t(b)))
                                 : std::min(a.bits, b);
  switch (a.op) {
    case Reduction::Add:
      return a.bits + b;
    case Reduction::Min:
      return least;
    case Reduction::Max:
      return a.bits == least ? b : a.bits;
    case Reduction::And:
      return a.bits & b;
    case Reduction::Or:
      return a.bits | b;
    case Reduction::Xor:
      return a.bits ^ b;
  }
  fail("unknown reduction");
}

void reduce_lanes(Warp& w, unsigned mask) {
  ReduceOperands all = operands<ReduceOperands>(w.lanes()[__builtin_ctz(mask)]);
  for_lanes(w, mask & (mask - 1),
            [&](const Thread& t) { all.bits = reduced(all, operands<ReduceOperands>(t).bits); });
  for_lanes(w, mask, [&](Thread& t) { give(t, all.bits); });
}

/// Any lane may be the one: which is nobody's promise.
void elect_lane(Warp& w, unsigned mask) {
  unsigned n = random_below(static_cast<unsigned>(__builtin_popcount(mask)));
  for_lanes(w, mask, [&](Thread& t) { give(t, int{n-- == 0}); });
}

}  // namespace

const Collective kSyncWarp{"__syncwarp", sync_warp}, kShuffle{"shuffle", shuffle_lanes},
    kBallot{"vote", ballot_lanes}, kMatch{"__match_any_sync", match_lanes},
    kReduce{"__reduce_sync", reduce_lanes}, kElect{"elect", elect_lane};

const void* collective(const Collective& what, unsigned mask, const void* operands, size_t bytes,
                       Place place) {
  Thread& t = *machine.current;
  Warp& w = warp_of(t);
  t.wait = Wait::Lanes, t.collective = &what, t.mask = mask, t.place = place;
  check_mask(t, w);
  if (bytes > 0) std::memcpy(t.operands, operands, bytes);
  join_waiting(t);
  if ((arrived(t, w) & mask) != mask) {
    wait_until_ready(t);
    return t.result;
  }
  what.complete(w, mask);
  for_lanes(w, mask, make_ready);
  return t.result;
}

}  // namespace causeway::simt
