// Two reports of the same rows: which changes exceed the noise. Read next: report.h.
#pragma once
#include "train/bench/report.h"

namespace causeway {

enum class Change : uint8_t { None, Faster, Slower };

struct Comparison {
  std::string name, dtype;
  double ratio = 1;  ///< new time / old time
  double noise = 0;  ///< what the ratio may be off by chance, as a share
  Change change = Change::None;
};

/// Rows in both, in the new one's order. A row has changed when its time and its share of the roof
/// have both moved by more than the noise: the whole machine being slower moves only the first, a
/// disturbance of the roof's measurement only the second. Noise: 4 · √(noise_old² + noise_new²) +
/// 5 %, of either.
std::vector<Comparison> compare(const BenchReport& old_report, const BenchReport& new_report);
void print(const std::vector<Comparison>& comparisons);

}  // namespace causeway
