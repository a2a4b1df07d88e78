// Fibers: fifteen instructions switch them on x86-64 (ucontext elsewhere, 3-5 times slower), and
// the address sanitizer is told of each switch.
#include "tests/simt/fiber.h"

#include <sys/mman.h>

#include <cstdlib>

#include "tests/simt/engine.h"
#include "tests/simt/sanitizer.h"

namespace causeway::simt {

#ifdef SIMT_ASAN
const size_t kStackBytes = 256 * 1024;  // redzones make frames large
#else
const size_t kStackBytes = 64 * 1024;
#endif

namespace {

constexpr size_t kGuardBytes = 4096;
void* scheduler_sp = nullptr;
#ifdef SIMT_ASAN
const void* scheduler_stack = nullptr;
size_t scheduler_stack_bytes = 0;
#endif

#if defined(__x86_64__)
extern "C" void simt_switch(void** save, void* load);
asm(R"(
.text
.globl simt_switch
.type simt_switch,@function
simt_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size simt_switch,.-simt_switch
)");

void prepare(Fiber& fiber, void (*entry)(), int colour) {
  void** sp = reinterpret_cast<void**>(fiber.stack + kStackBytes - 64 - colour * 320);
  *--sp = nullptr;  // entry's return address: aligns the stack and ends backtraces
  *--sp = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--sp = nullptr;  // the registers simt_switch pops
  fiber.stack_pointer = sp;
}
void switch_to(Fiber& fiber) { simt_switch(&scheduler_sp, fiber.stack_pointer); }
void switch_from(Fiber& fiber) { simt_switch(&fiber.stack_pointer, scheduler_sp); }
#else
ucontext_t scheduler_context;

void prepare(Fiber& fiber, void (*entry)(), int) {
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack;
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, entry, 0);
}
void switch_to(Fiber& fiber) {
  scheduler_sp = __builtin_frame_address(0);
  swapcontext(&scheduler_context, &fiber.context);
}
void switch_from(Fiber& fiber) { swapcontext(&fiber.context, &scheduler_context); }
#endif

}  // namespace

void map_stacks(Fiber* const* fibers, int count) {
  const size_t each = kStackBytes + kGuardBytes;
  void* memory = mmap(nullptr, each * static_cast<size_t>(count), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw Error("simt: cannot map the stacks of a block's threads");
  for (int i = 0; i < count; ++i) {
    char* low = static_cast<char*>(memory) + static_cast<size_t>(i) * each;
    mprotect(low, kGuardBytes, PROT_NONE);
    fibers[i]->stack = low + kGuardBytes;
  }
}

void unpoison_stacks(Fiber* const* fibers, int count) {
  for (int i = 0; i < count; ++i) ASAN_UNPOISON_MEMORY_REGION(fibers[i]->stack, kStackBytes);
}

void start_fiber(Fiber& fiber, void (*entry)(), int colour) {
  constexpr size_t kTop = 16 * 1024;  // where the fiber before left frames that never returned
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack + kStackBytes - kTop, kTop);
  prepare(fiber, entry, colour);
}

void resume_fiber(Fiber& fiber) {
#ifdef SIMT_ASAN
  void* own = nullptr;
  __sanitizer_start_switch_fiber(&own, fiber.stack, kStackBytes);
#endif
  switch_to(fiber);
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(own, nullptr, nullptr);
#endif
}

void give_way(Fiber& fiber, [[maybe_unused]] Last last) {
#ifdef SIMT_ASAN
  void** keep = last == Last::Yes ? nullptr : &fiber.fake_stack;
  __sanitizer_start_switch_fiber(keep, scheduler_stack, scheduler_stack_bytes);
#endif
  switch_from(fiber);
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(fiber.fake_stack, nullptr, nullptr);
#endif
}

void entered_fiber() {
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
#endif
}

const void* scheduler_stack_pointer() { return scheduler_sp; }

}  // namespace causeway::simt
