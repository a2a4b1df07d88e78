// Measures the algorithms of a product, for a row of gemm_table.tsv. Training never does. Read
// next: tune.cpp, train/bench/verb_gemm.cpp.
#pragma once
#include <vector>

#include "cuda/backend.h"
#include "cuda/products.h"

namespace causeway::cuda {

/// As tune_cuda_product(). `products` computes `op` by the winner from then on.
TunedProduct tune(Products& products, const Matmul& op, void* workspace, cudaStream_t stream);

/// Which of these was fastest by the median, `seconds` having a row of measurements for each; the
/// first one unless another is faster by more than kWorthARow.
size_t fastest(const std::vector<std::vector<double>>& seconds);
inline constexpr double kWorthARow = 0.02;

}  // namespace causeway::cuda
