// See tune.h.
#include "cuda/tune.h"

#include <algorithm>

namespace causeway::cuda {
namespace {

constexpr int kMostAlgorithms = 32, kWarmUps = 2, kRounds = 9;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

size_t fastest(const std::vector<std::vector<double>>& seconds) {
  const double first = median(seconds[0]);
  size_t best = 0;
  for (size_t i = 1; i < seconds.size(); ++i)
    if (median(seconds[i]) < median(seconds[best])) best = i;
  return median(seconds[best]) < (1 - kWorthARow) * first ? best : 0;
}

TunedProduct tune(Products& products, const Matmul& op, void* workspace, cudaStream_t stream) {
  std::vector<GemmAlgorithm> algorithms = products.algorithms(op, kMostAlgorithms);
  std::erase_if(algorithms, [&](const GemmAlgorithm& a) { return !products.use(op, a); });
  if (algorithms.empty()) return {};
  // In rounds, so that a GPU that grows warm and slow does so for all.
  std::vector<std::vector<double>> seconds(algorithms.size());
  for (int round = -kWarmUps; round < kRounds; ++round)
    for (size_t i = 0; i < algorithms.size(); ++i) {
      products.use(op, algorithms[i]);
      const double took = seconds_of(stream, [&] { products.run(op, workspace, stream); });
      if (round >= 0) seconds[i].push_back(took);
    }
  const size_t best = fastest(seconds);
  products.use(op, algorithms[best]);
  return {.algorithms = static_cast<int>(algorithms.size()),
          .first_seconds = median(seconds[0]),
          .best_seconds = median(seconds[best]),
          .row = best == 0 ? "" : gemm_row(products.key(op), algorithms[best])};
}

}  // namespace causeway::cuda
