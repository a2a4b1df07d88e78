// The kernels that are better with AMX. See ../kernels.h.
#include "core/cpu/amx/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {

void fill(Kernels&) {}

}  // namespace causeway::cpu::CAUSEWAY_ISA
