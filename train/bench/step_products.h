// The matrix products of a training step, found by planning one. Read next: verb_gemm.cpp.
#pragma once
#include <vector>

#include "core/buffer.h"
#include "core/config.h"

namespace causeway {

/// Each distinct product of a step of `config` (resolved, vocab_size included) on one rank, in the
/// order of the step. Their tensors have shapes and strides, but lie nowhere.
std::vector<Matmul> step_products(const Config& config);

/// `op` with memory of its own on a backend, filled with ordinary numbers.
class ProductOperands {
 public:
  ProductOperands(Backend& ops, const Matmul& op);
  const Matmul& op() const { return op_; }

 private:
  Matmul op_;
  std::vector<Buffer> memory_;
};

}  // namespace causeway
