// Which cases `bench kernels` times: the tests' own (core/cases), in the shapes of a model. Read
// next: kernel_bench.h, core/cases/families.h.
#pragma once
#include <string>
#include <vector>

#include "core/cases/op_case.h"
#include "core/config.h"

namespace causeway {

/// The extents of a model's operations, by the letters of core/tensor.h; N = B · T rows.
struct KernelSizes {
  int64_t B = 1, T = 1, C = 1, H = 1, K = 1, D = 1, F = 1, V = 1;
  int64_t window = 0;
  int64_t n = 0;         ///< elements of the optimizer's operations; a block's parameters
  int64_t N = 0;         ///< rows of the loss; 0: as the model's head takes them
  int64_t M = 0, k = 0;  ///< one product (M, k) · (k, N); 0: the products of the model
  NormKind norm = NormKind::LayerNorm;
  Activation activation = Activation::Gelu;
  bool bias = true, rope = false;

  /// model.vocab_size must be known.
  static KernelSizes of(const ModelConfig& model, int64_t batch);
  /// "B=8,T=1024,H=12,D=64": replaces those. With H and no K, K = H. Throws Error "usage.shape",
  /// which lists the keys.
  void replace(const std::string& text);
};

/// Names of the operations, in the order of a step.
std::vector<std::string> kernel_ops();

/// The cases of `op`. Throws Error "usage.op", which lists the names.
std::vector<OpCase> kernel_cases(const std::string& op, const KernelSizes& sizes);

}  // namespace causeway
