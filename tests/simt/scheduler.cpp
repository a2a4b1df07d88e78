// Runs a kernel: blocks one after another, the threads of a block as fibers. Which warp goes on is
// chosen to be unkind: by seeded priorities that rarely change, so that some warps run far ahead.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "cuda/kernel_env.cuh"
#include "tests/simt/state.h"

namespace causeway::simt {

Machine machine;

Thread* Warp::lanes() const { return &machine.threads[static_cast<size_t>(id) * kWarpSize]; }

void join(Clock& into, const Clock& other) {
  for (size_t i = 0; i < into.size(); ++i) into[i] = std::max(into[i], other[i]);
}

unsigned random_below(unsigned n) {
  uint64_t& x = machine.random;
  x ^= x << 13, x ^= x >> 7, x ^= x << 17;
  return static_cast<unsigned>((x >> 32) * n >> 32);
}

int lane() { return machine.current->id % kWarpSize; }

void make_ready(Thread& t) {
  t.wait = Wait::No;
  warp_of(t).ready |= lane_bit(t);
  warp_of(t).waiting &= ~lane_bit(t);
}

void wait_until_ready(Thread& t) {
  warp_of(t).ready &= ~lane_bit(t);
  warp_of(t).waiting |= lane_bit(t);
  give_way(t.fiber);
}

namespace {

void thread_main() {
  entered_fiber();
  machine.launch.body(machine.launch.argument);
  Thread& t = *machine.current;
  leave(t);
  give_way(t.fiber, Last::Yes);
  std::abort();  // nobody resumes a thread that is done
}

void resume(Thread& t) {
  machine.current = &t;
  threadIdx = t.index;
  ++stats.switches;
  resume_fiber(t.fiber);
  machine.current = nullptr;
  if (machine.failed) raise_failure();
}

void start_block() {
  ++machine.block, ++stats.blocks;
  shared_reset_block();
  shadow_reset_block();
  sm90_reset_block();
  machine.barriers = {};
  machine.alive = machine.thread_count;
  for (int w = 0; w < kMaxWarps; ++w) {
    const int count = std::clamp(machine.thread_count - w * kWarpSize, 0, kWarpSize);
    const unsigned lanes = count == kWarpSize ? ~0u : (1u << count) - 1;
    machine.warps[static_cast<size_t>(w)] = {.id = w, .exist = lanes, .ready = lanes};
    machine.warps[static_cast<size_t>(w)].clock[static_cast<size_t>(w)] = 1;
  }
  for (int i = 0; i < machine.thread_count; ++i) {
    Thread& t = machine.threads[static_cast<size_t>(i)];
    const unsigned n = static_cast<unsigned>(i);
    t.id = i;
    t.index = make_uint3(n % blockDim.x, n / blockDim.x % blockDim.y, n / blockDim.x / blockDim.y);
    t.done = false, t.wait = Wait::No, t.copy_group = 0, t.proxy_fences = 0;
    t.copies.clear();
    start_fiber(t.fiber, thread_main, i % kWarpSize);
  }
}

/// The order in which warps are asked whether they can run.
class Priorities {
 public:
  Priorities() : count_(static_cast<unsigned>(machine.warp_count())) {
    for (unsigned w = 0; w < count_; ++w)
      order_[w] = options.order == Order::Reverse ? count_ - 1 - w : w;
    if (options.order == Order::Random)
      for (unsigned w = count_ - 1; w > 0; --w) std::swap(order_[w], order_[random_below(w + 1)]);
  }
  void change_now_and_then() {
    if (options.order == Order::Random && random_below(64) == 0)
      std::swap(order_[random_below(count_)], order_[random_below(count_)]);
  }
  unsigned count() const { return count_; }
  Warp& operator[](unsigned i) { return machine.warps[order_[i]]; }

 private:
  unsigned count_;
  std::array<unsigned, kMaxWarps> order_;
};

/// Each lane that is ready goes on once; in which order matters to nobody who obeys the rules.
void run_warp(Warp& warp) {
  int lane = 0, stride = 1;
  if (options.order == Order::Random) {
    lane = static_cast<int>(random_below(kWarpSize));
    stride = static_cast<int>(random_below(16)) * 2 + 1;  // odd: visits all
  }
  if (options.order == Order::Reverse) lane = stride = kWarpSize - 1;
  const unsigned first = warp.ready;
  for (int i = 0; i < kWarpSize; ++i, lane = (lane + stride) % kWarpSize)
    if (first & warp.ready & (1u << lane)) resume(warp.lanes()[lane]);
}

void run_block() {
  start_block();
  Priorities warps;
  while (machine.alive > 0) {
    warps.change_now_and_then();
    bool progress = false;
    for (unsigned i = 0; i < warps.count(); ++i) {
      if (!warps[i].ready) continue;
      progress = true;
      run_warp(warps[i]);
      if (options.order == Order::Random) break;  // the first that can
    }
    if (progress) continue;
    // Copies land as late as the rules allow: when nobody can go on without.
    const bool landed = tma_progress();
    if (!landed) machine.failed = true, machine.failure = report_deadlock();
    if (machine.failed) raise_failure();
  }
}

std::array<Fiber*, kMaxThreads> all_fibers() {
  std::array<Fiber*, kMaxThreads> fibers;
  for (size_t i = 0; i < fibers.size(); ++i) fibers[i] = &machine.threads[i].fiber;
  return fibers;
}

void first_launch() {
  static const bool once = [] {
    map_stacks(all_fibers().data(), kMaxThreads);
    if (const char* seed = std::getenv("SIMT_SEED")) options.seed = std::strtoull(seed, nullptr, 0);
    return true;
  }();
  (void)once;
}

void check_limits(const Launch& l) {
  const uint64_t threads = uint64_t{l.block.x} * l.block.y * l.block.z;
  if (threads < 1 || threads > kMaxThreads || l.block.z > 64)
    throw Error("simt: a block has 1 to 1024 threads");
  if (!l.grid.x || !l.grid.y || !l.grid.z || l.grid.x > 0x7fffffffu || l.grid.y > 65535 ||
      l.grid.z > 65535)
    throw Error("simt: a grid has 1 to 2^31 - 1, 65535, 65535 blocks");
  if (l.shared_bytes > shared_limit(l))
    throw Error(fmt::format("simt: {} bytes of dynamic shared memory, of {} that a block may have",
                            l.shared_bytes, shared_limit(l)));
}

/// Where the i-th block to run lies in the grid.
uint64_t block_number(uint64_t i, uint64_t count, uint64_t start) {
  const uint64_t n = (start + i) % count;
  const bool backwards =
      options.order == Order::Reverse || (options.order == Order::Random && options.seed % 2 == 1);
  return backwards ? count - 1 - n : n;
}

}  // namespace

void run(const Launch& launch) {
  if (machine.current) throw Error("simt: a kernel launches a kernel");
  first_launch();
  check_limits(launch);
  if (machine.failed) unpoison_stacks(all_fibers().data(), kMaxThreads);
  machine.launch = launch;
  machine.failed = false, machine.failure_pc = nullptr;
  machine.thread_count = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  machine.first_block = machine.block + 1;
  machine.random = options.seed * 0x9e3779b97f4a7c15ull + 0x1234567;
  blockDim = launch.block, gridDim = launch.grid;
  shared_reset_launch();
  const dim3 g = launch.grid;
  const uint64_t count = uint64_t{g.x} * g.y * g.z;
  const uint64_t start =
      options.order == Order::Random ? random_below(static_cast<unsigned>(count)) : 0;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t n = block_number(i, count, start);
    blockIdx = make_uint3(static_cast<unsigned>(n % g.x), static_cast<unsigned>(n / g.x % g.y),
                          static_cast<unsigned>(n / g.x / g.y));
    run_block();
  }
}

}  // namespace causeway::simt
