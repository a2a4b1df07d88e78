// Holds each access of the checked build to the rules: bounds, initialised before read, ordered
// after the accesses it conflicts with. Happens-before by one logical clock per warp, in the manner
// of FastTrack (Flanagan & Freund 2009): a barrier, a __syncwarp or an mbarrier orders, a shuffle
// does not.
#include <fmt/format.h>

#include <array>

#include "tests/simt/regions.h"

namespace causeway::simt {
namespace {

struct Reader {
  uint32_t time = 0;
  uint16_t thread = 0;  ///< kSeveral: several lanes of that warp
};
/// Where a cell has readers in several warps, its read_time is an index into this.
std::vector<std::array<Reader, kMaxWarps>> readers;

constexpr bool is_read(Access a) { return a == Access::Read || a == Access::AsyncRead; }
constexpr bool is_async(Access a) { return a == Access::AsyncRead || a == Access::AsyncWrite; }
const char* verb(Access a) {
  constexpr const char* kVerbs[] = {"read", "write", "atomic", "asynchronous read",
                                    "asynchronous write"};
  return kVerbs[static_cast<int>(a)];
}

/// One access by the running thread.
struct Check {
  const Thread& self;
  uintptr_t address;
  size_t bytes;
  Access access;
  const void* pc;
  Region* region = nullptr;

  uint32_t now() const { return clock()[static_cast<size_t>(self.id / 32)]; }
  const Clock& clock() const { return warp_of(self).clock; }
  /// Whether what `thread` did at `time` of its warp is known to have happened.
  bool before(uint16_t thread, uint32_t time) const {
    return thread == self.id || clock()[thread / 32u] > time;
  }

  std::string place() const {
    return region->shared
               ? shared_name(address - region->begin)
               : fmt::format("byte {} of '{}'", static_cast<int64_t>(address - region->begin),
                             region->name);
  }
  [[noreturn]] void report(const std::string& what) const { fail(what, pc); }
  [[noreturn]] void race(const std::string& who, const char* how) const {
    report(fmt::format("race on {}: {} here and {} by {} with no barrier between", place(),
                       verb(access), how, who));
  }

  bool locate();
  void refresh(Cell& c) const;
  void against_other_blocks(const Cell& c) const;
  void against_writer(const Cell& c) const;
  void against_readers(const Cell& c) const;
  void note_read(Cell& c) const;
  void note_write(Cell& c) const;
  void cell(Cell& c) const;
};

extern "C" char __executable_start, _end;

/// Finds the region; false for memory that is nobody's business: stacks and the program's globals.
bool Check::locate() {
  const auto stack = reinterpret_cast<uintptr_t>(self.fiber.stack);
  if (address - stack < kStackBytes) return false;
  region = find_region(address);
  if (!region) {
    if (address >= reinterpret_cast<uintptr_t>(&__executable_start) &&
        address < reinterpret_cast<uintptr_t>(&_end))
      return false;
    constexpr size_t kFrames = 1 << 20;  // launch()'s, which holds the kernel's arguments
    if (is_read(access) &&
        address - reinterpret_cast<uintptr_t>(scheduler_stack_pointer()) < kFrames)
      return false;
    report(fmt::format("{} of {} bytes at {}: no device memory (far out of bounds, or the host's)",
                       verb(access), bytes, reinterpret_cast<void*>(address)));
  }
  const bool inside = region->shared ? shared_allocated(address - region->begin, bytes)
                                     : address >= region->begin && address + bytes <= region->end;
  if (!inside)
    report(
        fmt::format("{} of {} bytes out of bounds: {}{}", verb(access), bytes, place(),
                    region->shared ? "" : fmt::format(" ({} bytes)", region->end - region->begin)));
  return true;
}

/// Turns what an earlier block left into "another block".
void Check::refresh(Cell& c) const {
  if (c.block == machine.block) return;
  uint8_t keep = 0;
  if (!region->shared) {
    keep = c.flags & Cell::kWritten;
    if (c.block >= machine.first_block && options.interblock_races) {
      keep |= c.flags & (Cell::kOtherWrite | Cell::kOtherRead | Cell::kOtherAtomic);
      if (c.flags & Cell::kWrite)
        keep |= c.flags & Cell::kAtomic ? Cell::kOtherAtomic : Cell::kOtherWrite;
      if (c.flags & Cell::kRead) keep |= Cell::kOtherRead;
    }
  }
  c.block = machine.block, c.flags = keep;
}

void Check::against_other_blocks(const Cell& c) const {
  uint8_t bad = Cell::kOtherWrite;
  if (!is_read(access)) bad |= Cell::kOtherRead;
  if (access != Access::Atomic) bad |= Cell::kOtherAtomic;
  if (c.flags & bad)
    report(
        fmt::format("race between blocks on {}: {} here, accessed by another block of this launch",
                    place(), verb(access)));
}

void Check::against_writer(const Cell& c) const {
  if (!(c.flags & Cell::kWrite)) return;
  const bool atomics = access == Access::Atomic && (c.flags & Cell::kAtomic);
  if (!atomics && !before(c.writer, c.write_time))
    race(fmt::format("thread {}", c.writer), c.flags & Cell::kAtomic ? "an atomic" : "written");
  if (is_async(access) && (c.flags & Cell::kGeneric) &&
      machine.threads[c.writer].proxy_fences == c.fences)
    report(fmt::format("{} of {}, which thread {} wrote without a fence_proxy_async() after it",
                       verb(access), place(), c.writer));
}

void Check::against_readers(const Cell& c) const {
  if (!(c.flags & Cell::kRead)) return;
  if (c.reader != kSeveral) {
    if (!before(c.reader, c.read_time)) race(fmt::format("thread {}", c.reader), "read");
    return;
  }
  for (size_t w = 0; w < kMaxWarps; ++w) {
    const Reader& r = readers[c.read_time][w];
    if (r.time == 0 || r.thread == self.id || clock()[w] > r.time) continue;
    race(r.thread == kSeveral ? fmt::format("several lanes of warp {}", w)
                              : fmt::format("thread {}", r.thread),
         "read");
  }
}

void Check::note_read(Cell& c) const {
  if (!(c.flags & Cell::kWritten)) report("read of uninitialised memory: " + place());
  if (!(c.flags & Cell::kRead) || (c.reader != kSeveral && before(c.reader, c.read_time))) {
    c.flags |= Cell::kRead, c.reader = static_cast<uint16_t>(self.id), c.read_time = now();
    return;
  }
  if (c.reader != kSeveral) {
    readers.push_back({});
    readers.back()[c.reader / 32u] = {c.read_time, c.reader};
    c.read_time = static_cast<uint32_t>(readers.size() - 1), c.reader = kSeveral;
  }
  Reader& r = readers[c.read_time][static_cast<size_t>(self.id / 32)];
  const bool joined = r.time == now() && r.thread != self.id;
  r = {now(), joined ? kSeveral : static_cast<uint16_t>(self.id)};
}

void Check::note_write(Cell& c) const {
  c.flags &= static_cast<uint8_t>(~(Cell::kRead | Cell::kAtomic | Cell::kGeneric));
  c.flags |= Cell::kWrite | Cell::kWritten;
  if (access == Access::Atomic) c.flags |= Cell::kAtomic;
  if (!is_async(access)) c.flags |= Cell::kGeneric;
  c.writer = static_cast<uint16_t>(self.id), c.write_time = now(), c.fences = self.proxy_fences;
}

void Check::cell(Cell& c) const {
  refresh(c);
  against_other_blocks(c);
  against_writer(c);
  if (is_read(access)) return note_read(c);
  against_readers(c);
  note_write(c);
}

}  // namespace

void shadow_reset_block() { readers.clear(); }

void shadow_forget(uint32_t shared, size_t bytes) {
  if (!checking) return;
  Cell* cells = &shared_region().cells[(shared - kSharedBase) / 2];
  for (size_t i = 0; i < bytes / 2; ++i) cells[i].flags &= static_cast<uint8_t>(~Cell::kWritten);
}

void check(const void* p, size_t bytes, Access access, const void* pc) {
  if (!checking || !machine.current) return;
  shared_region();
  Check check{*machine.current, reinterpret_cast<uintptr_t>(p), bytes, access, pc};
  if (!check.locate()) return;
  const Region& r = *check.region;
  for (size_t i = (check.address - r.begin) / 2; i <= (check.address + bytes - 1 - r.begin) / 2;
       ++i)
    check.cell(check.region->cells[i]);
}

}  // namespace causeway::simt
