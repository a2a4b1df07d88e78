// The emulated multiprocessor's state, for the engine's own files: a block's threads, warps and
// barriers. There is one, as a kernel's built-in variables and instructions are free names.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "tests/simt/engine.h"
#include "tests/simt/fiber.h"

namespace causeway::simt {

constexpr int kWarpSize = 32, kMaxThreads = 1024, kMaxWarps = kMaxThreads / kWarpSize;
constexpr int kBarriers = 16;

/// A warp's logical clocks of all warps: what has happened before its present.
using Clock = std::array<uint32_t, kMaxWarps>;
void join(Clock& into, const Clock& other);

enum class Wait : uint8_t { No, Lanes, Barrier, Mbarrier };

/// A copy global → shared that was started and has not landed.
struct AsyncCopy {
  uint32_t dst;
  const void* src;
  int bytes, src_bytes;
  unsigned group;
};

struct Thread {
  alignas(16) unsigned char operands[kOperandBytes], result[kResultBytes];
  Fiber fiber;
  uint3 index;
  int id;
  bool done;
  Wait wait;
  const Collective* collective;  ///< Wait::Lanes: what, with which lanes
  unsigned mask;
  int barrier;        ///< Wait::Barrier: its id
  uint32_t mbarrier;  ///< Wait::Mbarrier: its address
  Place place;
  unsigned copy_group;
  std::vector<AsyncCopy> copies;
  uint16_t proxy_fences;  ///< fence.proxy.async executed so far
};

struct Warp {
  int id;
  unsigned exist, ready, waiting, done;  ///< lanes
  Clock clock;
  // What the waiting lanes wait in, where that is all the same.
  bool uniform;
  Wait wait;
  const Collective* collective;
  unsigned mask;

  Thread* lanes() const;  ///< its 32 threads
};

struct Barrier {
  int arrived = 0, expected = 0, votes = 0, result = 0;
  Clock arrivals{};  ///< clocks of warps that arrived without waiting
};

struct Machine {
  std::array<Thread, kMaxThreads> threads;
  std::array<Warp, kMaxWarps> warps;
  std::array<Barrier, kBarriers> barriers;
  Launch launch;
  int thread_count, alive;
  Thread* current = nullptr;  ///< the running thread; null in the scheduler
  uint32_t block = 0;         ///< number of the running block, over all launches
  uint32_t first_block = 0;   ///< of this launch
  uint64_t random;
  bool failed;
  std::string failure;
  const void* failure_pc;

  int warp_count() const { return (thread_count + kWarpSize - 1) / kWarpSize; }
};
extern Machine machine;

inline Warp& warp_of(const Thread& t) { return machine.warps[static_cast<size_t>(t.id / 32)]; }
inline unsigned lane_bit(const Thread& t) { return 1u << (t.id % 32); }
/// Calls f(thread) for each lane of the mask.
template <class F>
void for_lanes(Warp& warp, unsigned mask, F f) {
  for (; mask; mask &= mask - 1) f(warp.lanes()[__builtin_ctz(mask)]);
}
unsigned random_below(unsigned n);

// ---- scheduler.cpp
void make_ready(Thread& t);
void wait_until_ready(Thread& t);  ///< gives way; returns once somebody made it ready

// ---- barriers.cpp
/// Fails where a lane that begins to wait and one that waits can never go on.
void join_waiting(Thread& t);
void leave(Thread& t);  ///< the kernel returned

// ---- report.cpp
std::string describe(const Thread& t);  ///< "shuffle at norm.cuh:31 (mask 0x0000ffff)"
[[noreturn]] void raise_failure();
std::string report_deadlock();

// ---- shared_memory.cpp
constexpr uint32_t kSharedBase = 1024;      ///< shared address of the first byte: 0 is never valid
void shared_reset_launch();                 ///< forgets static arrays
void shared_reset_block();                  ///< contents become NaN
size_t shared_limit(const Launch& launch);  ///< bytes of a block, of both kinds
unsigned char* shared_bytes();
constexpr size_t kSharedBytes = 320 * 1024;
bool shared_allocated(size_t offset, size_t bytes);
std::string shared_name(size_t offset);

// ---- shadow.cpp
void shadow_reset_block();
void shadow_forget(uint32_t shared, size_t bytes);  ///< back to uninitialised

// ---- mbarrier.cpp, tma.cpp, wgmma.cpp
void sm90_reset_block();
bool tma_progress();  ///< lands one of the copies under way; false where there is none
void sm90_leave(const Thread& t);

}  // namespace causeway::simt
