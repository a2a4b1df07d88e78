// What the emulated instructions ask of the engine. Kernels and tests see it through simt.h; the
// engine's own state is in state.h. Read next: docs/simt.md, scheduler.cpp.
#pragma once
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace causeway::simt {

/// In which order warps and lanes run. Random: by the seed, some warps far ahead of others.
enum class Order : uint8_t { Forward, Reverse, Random };

struct Options {
  Order order = Order::Random;
  uint64_t seed = 1;                 ///< SIMT_SEED in the environment overrides it
  size_t shared_limit = 227 * 1024;  ///< bytes of shared memory that a block may ask for
  bool strict_exit = true;           ///< a thread may not return while others wait in a barrier
  bool interblock_races = true;      ///< off for kernels whose blocks talk to each other
};
inline Options options;

/// What ran so far in this process.
struct Stats {
  uint64_t blocks = 0, switches = 0, graphs = 0;
  uint64_t mma = 0, wgmma = 0, ldmatrix = 0;
  uint64_t ldmatrix_conflicts = 0;  ///< 8-row reads that hit a bank group twice
};
inline Stats stats;

/// What a launch throws when its kernel breaks a rule.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where a kernel calls an instruction: the default of each one's last parameter.
struct Place {
  const char* file;
  int line;
  bool operator==(const Place& other) const;
};
#define SIMT_PLACE ::causeway::simt::Place place = {__builtin_FILE(), __builtin_LINE()}

/// Ends the launch from within a kernel; launch() then throws Error.
[[noreturn]] void fail(std::string what, const void* pc = nullptr);

// ---- launches

struct Launch {
  dim3 grid, block;
  size_t shared_bytes;           ///< dynamic shared memory
  bool asks_for_shared = false;  ///< for more than every block's 48 KiB
  void (*body)(void*);           ///< runs the kernel once, as one thread
  void* argument;                ///< of body
  const void* kernel;            ///< its address, for reports
};
void run(const Launch& launch);

/// What a stream was given: a kernel, by its address, or another piece of work.
struct Node {
  const void* what;
  std::function<void()> run;
};
/// While a stream is captured (host_runtime.cpp), what it has been given so far; else null.
inline std::vector<Node>* captured = nullptr;
/// Gives it to the stream (streams.h), or keeps it for the graph. On the default stream it is done
/// now.
void enqueue(cudaStream_t stream, const void* what, std::function<void()> work);

int lane();  ///< of the running thread, 0..31

// ---- collectives and barriers

struct Warp;
/// An instruction that lanes of a warp execute together: each leaves its operands, and the last to
/// come computes everybody's results.
struct Collective {
  const char* name;
  void (*complete)(Warp& warp, unsigned mask);
};
extern const Collective kSyncWarp, kShuffle, kBallot, kMatch, kReduce, kElect, kLdmatrix,
    kLdmatrixTranspose, kMma;

/// Executes it with the lanes of `mask`; returns the result of this lane. `bytes` ≤ kOperandBytes.
const void* collective(const Collective& what, unsigned mask, const void* operands, size_t bytes,
                       Place place);
constexpr size_t kOperandBytes = 64, kResultBytes = 16;

/// Barrier 0..15; threads = 0 stands for the whole block. `vote` ends up in what it returns: how
/// many threads gave a non-zero one.
int barrier(int id, int threads, Place place, int vote = 0);
void barrier_arrive(int id, int threads, Place place);  ///< without waiting

// ---- memory

enum class Access : uint8_t { Read, Write, Atomic, AsyncRead, AsyncWrite };
/// Holds an access of the running thread to the rules. Does nothing unless the program is linked
/// with the checked build's tsan_runtime.cpp.
void check(const void* p, size_t bytes, Access access, const void* pc = nullptr);
inline bool checking = false;

void copy_unchecked(void* to, const void* from, size_t bytes);

/// Makes memory known that kernels may touch: exact bounds, `redzone` bytes on both sides that they
/// may not touch, and, in checked builds, whether it has been written yet.
void add_region(const void* p, size_t bytes, size_t redzone, bool initialised, const char* name);
void remove_region(const void* p);

void* shared_array(const void* tag, size_t bytes, const char* name);  ///< KSHARED
unsigned char* shared_dynamic();                                      ///< KDYN_SHARED
uint32_t shared_address(const void* p);
/// The memory at a shared address; fails where it is misaligned or not allocated.
void* shared_pointer(uint32_t address, size_t bytes, size_t alignment, const char* instruction);

void cp_async(uint32_t dst, const void* src, int bytes, int src_bytes);
void cp_async_commit();
void cp_async_wait(int pending_groups);

}  // namespace causeway::simt
