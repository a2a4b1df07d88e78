// Two reports of the same rows: which changes exceed the noise. Read next: report.h.
#pragma once
#include "train/bench/report.h"

namespace causeway {

/// Fewer rounds than these on a side tell nothing.
inline constexpr int kLeastRounds = 5;

enum class Change : uint8_t {
  None,
  Faster,
  Slower,
  Unknown,  ///< the machine was never alike in the two runs
};

struct Comparison {
  std::string name, dtype;
  double ratio = 1;  ///< new time / old time
  double noise = 0;  ///< what the ratio may be off by chance, as a share
  Change change = Change::None;
};

/// Rows in both, in the new one's order. A shared machine has states, in which operations differ by
/// up to two times and not all in the same direction: cores moved together or apart, neighbours in
/// the memory. So only rounds are compared whose roofs, matmul and copy, agree within 15 %; a row
/// without five such rounds in each report is Unknown. With d the differences of log time over all
/// alike pairs of rounds, a row has changed when its median d, and that less the median row's, both
/// exceed 2 · √(within² + between²) + 5 %: within is half the middle half of the row's d; between
/// that of all rows' medians, at most 5 %. Where rows are fewer than eight, nothing is subtracted
/// and between is 4 %. docs/log.md tells where these numbers are from.
std::vector<Comparison> compare(const BenchReport& old_report, const BenchReport& new_report);

/// Whether rows of every dtype in both have enough rounds alike.
bool comparable(const RoundRoofs& before, const RoundRoofs& now);

/// The comparison, for programs: an array of {name, dtype, ratio, noise, change}.
Json to_json(const std::vector<Comparison>& comparisons);
/// The comparison, for people, with what became of the roofs.
void print_changes(const std::vector<Comparison>& comparisons, const BenchReport& old_report,
                   const BenchReport& new_report);

}  // namespace causeway
