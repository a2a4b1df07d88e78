// Fibers: stacks of their own for the threads of a block, all on one OS thread.
#pragma once
#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace causeway::simt {

struct Fiber {
  void* stack_pointer = nullptr;
  char* stack = nullptr;
  void* fake_stack = nullptr;  ///< the address sanitizer's
#if !defined(__x86_64__)
  ucontext_t context;
#endif
};

extern const size_t kStackBytes;

void map_stacks(Fiber* const* fibers, int count);  ///< each with a guard page; throws Error
void unpoison_stacks(Fiber* const* fibers, int count);
/// Makes ready to run `entry`, which never returns. `colour` staggers stacks, or all fibers' hot
/// lines would share cache sets.
void start_fiber(Fiber& fiber, void (*entry)(), int colour);
void resume_fiber(Fiber& fiber);  ///< from the scheduler; returns when it gives way
enum class Last : bool { No, Yes };
void give_way(Fiber& fiber, Last last = Last::No);  ///< back to the scheduler
void entered_fiber();                               ///< the first thing `entry` does
const void* scheduler_stack_pointer();              ///< where the scheduler stands in its stack

}  // namespace causeway::simt
