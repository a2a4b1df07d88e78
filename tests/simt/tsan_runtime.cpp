// The checked build: files with kernels are compiled with -fsanitize=thread, and these functions
// take the place of its runtime (which is not linked), so that every load and store of a kernel
// comes to check(). Read next: shadow.cpp.
#include <cstring>

#include "tests/simt/engine.h"

using causeway::simt::Access;
using causeway::simt::check;

namespace {
const bool on = (causeway::simt::checking = true);
}

#define CALLER __builtin_return_address(0)
#define ACCESSES(n)                                                               \
  void __tsan_read##n(void* p) { check(p, n, Access::Read, CALLER); }             \
  void __tsan_write##n(void* p) { check(p, n, Access::Write, CALLER); }           \
  void __tsan_unaligned_read##n(void* p) { check(p, n, Access::Read, CALLER); }   \
  void __tsan_unaligned_write##n(void* p) { check(p, n, Access::Write, CALLER); } \
  void __tsan_volatile_read##n(void* p) { check(p, n, Access::Read, CALLER); }    \
  void __tsan_volatile_write##n(void* p) { check(p, n, Access::Write, CALLER); }  \
  void __tsan_read_write##n(void* p) {                                            \
    check(p, n, Access::Read, CALLER);                                            \
    check(p, n, Access::Write, CALLER);                                           \
  }
// Host code in the same files: its atomics are real ones.
#define ATOMICS(bits, T)                                                                      \
  T __tsan_atomic##bits##_load(const volatile T* p, int) {                                    \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                              \
  }                                                                                           \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int) {                                 \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                 \
  }                                                                                           \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int) {                                 \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                       \
  }                                                                                           \
  T __tsan_atomic##bits##_fetch_add(volatile T* p, T v, int) {                                \
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                        \
  }                                                                                           \
  T __tsan_atomic##bits##_fetch_sub(volatile T* p, T v, int) {                                \
    return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);                                        \
  }                                                                                           \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* old, T v, int, int) {   \
    return __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  }

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
void __tsan_read_range(void* p, size_t n) { check(p, n, Access::Read, CALLER); }
void __tsan_write_range(void* p, size_t n) { check(p, n, Access::Write, CALLER); }

void* __tsan_memcpy(void* to, const void* from, size_t n) {
  if (n > 0) check(from, n, Access::Read, CALLER), check(to, n, Access::Write, CALLER);
  return std::memcpy(to, from, n);
}
void* __tsan_memmove(void* to, const void* from, size_t n) {
  if (n > 0) check(from, n, Access::Read, CALLER), check(to, n, Access::Write, CALLER);
  return std::memmove(to, from, n);
}
void* __tsan_memset(void* to, int value, size_t n) {
  if (n > 0) check(to, n, Access::Write, CALLER);
  return std::memset(to, value, n);
}

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
}
