// Each file of this folder enters its kernels in the table. Read next: fill.cpp.
#pragma once
#include "core/cpu/kernels.h"

namespace causeway::cpu::CAUSEWAY_ISA {

void fill_attention_forward(Kernels& k);
void fill_attention_backward(Kernels& k);
void fill_products(Kernels& k);

}  // namespace causeway::cpu::CAUSEWAY_ISA
