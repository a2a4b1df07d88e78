// cp.async lands as late as the rules allow, at the wait that covers it. Till then the destination
// holds NaN.
#include <cstring>

#include "tests/simt/state.h"

namespace causeway::simt {

void cp_async(uint32_t dst, const void* src, int bytes, int src_bytes) {
  Thread& t = *machine.current;
  const size_t n = static_cast<size_t>(bytes), from = static_cast<size_t>(src_bytes);
  void* to = shared_pointer(dst, n, n, "cp.async");
  if (reinterpret_cast<uintptr_t>(src) % n) fail("misaligned global address in cp.async");
  check(to, n, Access::Write, __builtin_return_address(0));
  if (from > 0) check(src, from, Access::Read, __builtin_return_address(0));
  std::memset(to, 0xff, n);
  shadow_forget(dst, n);
  t.copies.push_back({dst, src, bytes, src_bytes, t.copy_group});
}

void cp_async_commit() { ++machine.current->copy_group; }

void cp_async_wait(int pending) {
  Thread& t = *machine.current;
  const auto lands = [&](const AsyncCopy& copy) {
    if (static_cast<int>(t.copy_group - copy.group) <= pending) return false;  // or uncommitted
    unsigned char* to = shared_bytes() + (copy.dst - kSharedBase);
    check(to, static_cast<size_t>(copy.bytes), Access::Write, __builtin_return_address(0));
    std::memset(to, 0, static_cast<size_t>(copy.bytes));
    if (copy.src_bytes > 0) std::memcpy(to, copy.src, static_cast<size_t>(copy.src_bytes));
    return true;
  };
  std::erase_if(t.copies, lands);
}

}  // namespace causeway::simt
