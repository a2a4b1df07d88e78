// Each kernel file enters its functions in the table of its instruction set. Read next: table.cpp.
#pragma once
#include "core/cpu/kernels.h"

namespace causeway::cpu::CAUSEWAY_ISA {

void fill_norm(Kernels& k);
void fill_positions(Kernels& k);
void fill_attention_forward(Kernels& k);
void fill_attention_backward(Kernels& k);
void fill_activations(Kernels& k);
void fill_loss(Kernels& k);
void fill_optimizer(Kernels& k);
void fill_epilogues(Kernels& k);

}  // namespace causeway::cpu::CAUSEWAY_ISA
