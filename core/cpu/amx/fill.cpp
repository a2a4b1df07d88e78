// The kernels that are better with AMX. See ../kernels.h.
#include "core/cpu/amx/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {

void fill(Kernels& k) {
  fill_attention_forward(k);
  fill_attention_backward(k);
  fill_products(k);
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
