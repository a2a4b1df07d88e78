// What AMX does better, entered over the table of avx512bf16. Read next: tile_product.h.
#include "core/cpu/kernels/fill.h"

namespace causeway::cpu::CAUSEWAY_ISA {

void fill(Kernels& k) {
  fill_attention_forward(k);
  fill_attention_backward(k);
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
