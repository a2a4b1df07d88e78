// See compare.h.
#include "train/bench/compare.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace causeway {
namespace {

constexpr double kNoises = 4, kLeast = 0.05;

const BenchRow* find(const BenchReport& report, const BenchRow& like) {
  const auto same = [&](const BenchRow& r) { return r.name == like.name && r.dtype == like.dtype; };
  const auto found = std::find_if(report.rows.begin(), report.rows.end(), same);
  return found == report.rows.end() ? nullptr : &*found;
}

double allowed(const Spread& a, const Spread& b) {
  return kNoises * std::hypot(a.noise(), b.noise()) + kLeast;
}

Comparison compared(const BenchRow& before, const BenchRow& now) {
  Comparison c{
      .name = now.name,
      .dtype = now.dtype,
      .ratio = now.seconds.median / before.seconds.median,
      .noise = std::max(allowed(before.seconds, now.seconds), allowed(before.share, now.share))};
  const double by_share = before.share.median / now.share.median;
  if (std::min(c.ratio, by_share) > 1 + c.noise) c.change = Change::Slower;
  if (std::max(c.ratio, by_share) < 1 / (1 + c.noise)) c.change = Change::Faster;
  return c;
}

}  // namespace

std::vector<Comparison> compare(const BenchReport& old_report, const BenchReport& new_report) {
  std::vector<Comparison> comparisons;
  for (const BenchRow& now : new_report.rows)
    if (const BenchRow* before = find(old_report, now))
      comparisons.push_back(compared(*before, now));
  return comparisons;
}

void print(const std::vector<Comparison>& comparisons) {
  int slower = 0, faster = 0;
  fmt::print("\n{:<58} {:<5} {:>9} {:>8}\n", "against the older report", "", "time", "noise");
  for (const Comparison& c : comparisons) {
    slower += c.change == Change::Slower, faster += c.change == Change::Faster;
    fmt::print("{:<58} {:<5} {:>+8.1f}% {:>7.1f}%{}\n", c.name, c.dtype, 100 * (c.ratio - 1),
               100 * c.noise,
               c.change == Change::Slower   ? "  SLOWER"
               : c.change == Change::Faster ? "  faster"
                                            : "");
  }
  fmt::print("{} rows compared: {} slower, {} faster beyond the noise\n", comparisons.size(),
             slower, faster);
}

}  // namespace causeway
