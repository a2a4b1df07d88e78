// A matrix product by name, which a table of algorithms is keyed by; and what tuning it gave.
// Read next: cuda/gemm_table.h.
#pragma once
#include <string>

#include "core/backend.h"

namespace causeway {

/// "65536x2304x768 nt bf16>bf16 768,768,2304 bias": M x N x K; whether a and b are stored as they
/// are (n) or transposed (t); dtypes of a and of y; elements from row to row of a, b and y; then
/// bias, gelu or gelu-backward with the same of pre, accumulate. Says nothing of d_bias, which is
/// a sum beside the product.
std::string product_name(const Matmul& op);

/// 2 · M · N · K.
double product_flops(const Matmul& op);

/// What measuring the algorithms of a product gave.
struct TunedProduct {
  int algorithms = 0;  ///< that were measured; 0 where the product cannot have a row
  double first_seconds = 0, best_seconds = 0;  ///< the library's first choice, the fastest; medians
  std::string row;  ///< for cuda/gemm_table.tsv; "" where the first choice is fast enough
};

}  // namespace causeway
