// See model_tables.h.
#include "core/model_tables.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "core/convert.h"

namespace causeway {

std::vector<double> rope_table(int64_t T, int64_t D, double theta) {
  std::vector<double> table(T * D);
  const int64_t half = D / 2;
  for (int64_t t = 0; t < T; ++t)
    for (int64_t i = 0; i < half; ++i) {
      const double angle = t * std::pow(theta, -2.0 * i / D);
      table[t * D + i] = std::cos(angle);
      table[t * D + half + i] = std::sin(angle);
    }
  return table;
}

std::vector<double> sinusoid_table(int64_t T, int64_t C) {
  std::vector<double> table(T * C);
  const int64_t half = C / 2;
  for (int64_t t = 0; t < T; ++t)
    for (int64_t i = 0; i < C; ++i) {
      const double angle = t * std::pow(10000.0, -2.0 * (i % std::max<int64_t>(half, 1)) / C);
      // Scaled to the spread of the token embeddings, so that neither drowns the other.
      table[t * C + i] =
          0.02 * std::numbers::sqrt2 * (i < half ? std::sin(angle) : std::cos(angle));
    }
  return table;
}

std::vector<double> alibi_slopes(int64_t heads) {
  const int64_t n = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  std::vector<double> slopes;
  for (int64_t h = 0; h < n; ++h) slopes.push_back(std::exp2(-8.0 * (h + 1) / n));
  for (int64_t h = 0; static_cast<int64_t>(slopes.size()) < heads; h += 2)
    slopes.push_back(std::exp2(-4.0 * (h + 1) / n));
  return slopes;
}

ModelTablesOwner::ModelTablesOwner(Backend& backend, const ModelConfig& config,
                                   const Precision& precision) {
  struct Table {
    Tensor* tensor;
    std::vector<double> values;
    DType dtype;
    int64_t rows, cols;
  };
  const int64_t T = config.block_size, D = config.head_dim(), C = config.n_embd;
  std::vector<Table> wanted;
  if (config.position == PositionKind::Rope)
    wanted.push_back({&tables.rope, rope_table(T, D, config.rope_theta), precision.stat, T, D});
  if (config.position == PositionKind::Sinusoidal)
    wanted.push_back({&tables.sinusoid, sinusoid_table(T, C), precision.act, T, C});
  if (config.position == PositionKind::Alibi)
    wanted.push_back(
        {&tables.alibi_slopes, alibi_slopes(config.n_head), precision.stat, config.n_head, 0});

  // One of the three at most is present: a position kind needs one table.
  for (const Table& table : wanted) {
    memory = Buffer(backend, table.values.size() * dtype_size(table.dtype));
    *table.tensor = table.cols ? Tensor(memory.data(), table.dtype, {table.rows, table.cols})
                               : Tensor(memory.data(), table.dtype, {table.rows});
    backend.upload(*table.tensor, convert(table.values, table.dtype).data());
  }
}

}  // namespace causeway
