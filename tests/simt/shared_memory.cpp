// A block's shared memory: dynamic at the bottom, static arrays above, each with a gap behind it
// that belongs to nobody. A new block finds NaN everywhere.
#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "tests/simt/sanitizer.h"
#include "tests/simt/state.h"

namespace causeway::simt {
namespace {

constexpr size_t kStaticBegin = 256 * 1024, kSharedOfAll = 48 * 1024, kGap = 128;
alignas(4096) unsigned char arena[kSharedBytes];

struct StaticArray {
  const void* tag;
  size_t begin, bytes;
  const char* name;
  bool holds(size_t offset, size_t n) const {
    return offset >= begin && offset + n <= begin + bytes;
  }
};
std::vector<StaticArray> statics;

size_t static_total() {
  size_t total = 0;
  for (const StaticArray& s : statics) total += s.bytes;
  return total;
}

}  // namespace

void shared_reset_launch() {
  statics.clear();
  ASAN_POISON_MEMORY_REGION(arena, kSharedBytes);
  ASAN_UNPOISON_MEMORY_REGION(arena, machine.launch.shared_bytes);
}

void shared_reset_block() {
  std::memset(arena, 0xff, machine.launch.shared_bytes);
  for (const StaticArray& s : statics) std::memset(arena + s.begin, 0xff, s.bytes);
}

size_t shared_limit(const Launch& launch) {
  return launch.asks_for_shared ? options.shared_limit : kSharedOfAll;
}

unsigned char* shared_bytes() { return arena; }
unsigned char* shared_dynamic() { return arena; }

void* shared_array(const void* tag, size_t bytes, const char* name) {
  for (const StaticArray& s : statics)
    if (s.tag == tag) return arena + s.begin;
  const size_t total = static_total() + bytes;
  const size_t limit = shared_limit(machine.launch);
  if (total > kSharedOfAll || total + machine.launch.shared_bytes > limit)
    fail(
        fmt::format("'{}' exceeds shared memory: {} bytes static (of {}), {} dynamic, of {} in all",
                    name, total, kSharedOfAll, machine.launch.shared_bytes, limit));
  const size_t end = statics.empty() ? kStaticBegin : statics.back().begin + statics.back().bytes;
  const size_t begin = (end + kGap - 1) / kGap * kGap + kGap;
  if (begin + bytes > kSharedBytes) fail("too many static shared arrays for the emulation");
  statics.push_back({tag, begin, bytes, name});
  ASAN_UNPOISON_MEMORY_REGION(arena + begin, bytes);
  std::memset(arena + begin, 0xff, bytes);
  return arena + begin;
}

bool shared_allocated(size_t offset, size_t bytes) {
  if (offset + bytes <= machine.launch.shared_bytes) return true;
  for (const StaticArray& s : statics)
    if (s.holds(offset, bytes)) return true;
  return false;
}

std::string shared_name(size_t offset) {
  for (const StaticArray& s : statics)
    if (s.holds(offset, 1)) return fmt::format("byte {} of shared '{}'", offset - s.begin, s.name);
  return fmt::format("byte {} of dynamic shared memory ({} bytes)", offset,
                     machine.launch.shared_bytes);
}

uint32_t shared_address(const void* p) {
  const size_t offset = static_cast<size_t>(static_cast<const unsigned char*>(p) - arena);
  if (offset >= kSharedBytes) fail("smem_u32 of a pointer outside shared memory");
  return static_cast<uint32_t>(offset) + kSharedBase;
}

void* shared_pointer(uint32_t address, size_t bytes, size_t alignment, const char* instruction) {
  if (address % alignment != 0)
    fail(fmt::format("misaligned shared address in {}: offset {} is no multiple of {}", instruction,
                     address - kSharedBase, alignment));
  if (address < kSharedBase || !shared_allocated(address - kSharedBase, bytes))
    fail(fmt::format("{} outside shared memory: {} bytes at {}", instruction, bytes,
                     shared_name(address - kSharedBase)));
  return arena + (address - kSharedBase);
}

void copy_unchecked(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

}  // namespace causeway::simt
