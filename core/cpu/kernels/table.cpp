// The table of one instruction set. See ../kernels.h; ../isa.cpp chooses between the tables.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd.h"

namespace causeway::cpu::CAUSEWAY_ISA {

void fill(Kernels& k) {
  k.lanes = kLanes;
  fill_norm(k);
  fill_positions(k);
  fill_attention_forward(k);
  fill_attention_backward(k);
  fill_activations(k);
  fill_loss(k);
  fill_optimizer(k);
  fill_epilogues(k);
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
