// Constant tables of a model (rope angles, sinusoidal positions, ALiBi slopes), computed in double
// and uploaded once. Read next: context.h.
#pragma once
#include <vector>

#include "core/context.h"

namespace causeway {

/// Owns the tables' memory; `tables` are views of it.
struct ModelTablesOwner {
  ModelTablesOwner() = default;
  ModelTablesOwner(Backend& backend, const ModelConfig& config, const Precision& precision);

  Buffer memory;
  ModelTables tables;
};

/// cos and sin of position · theta^(−2i/D): (T, D), cos in the first half of a row.
/// arXiv:2104.09864.
std::vector<double> rope_table(int64_t T, int64_t D, double theta);
/// Vaswani et al. 2017, section 3.5, with all sines before all cosines: (T, C).
std::vector<double> sinusoid_table(int64_t T, int64_t C);
/// Geometric slopes 2^(−8/n)…, and for n not a power of two the interleaved rest. arXiv:2108.12409.
std::vector<double> alibi_slopes(int64_t heads);

}  // namespace causeway
