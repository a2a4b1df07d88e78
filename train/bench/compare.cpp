// See compare.h.
#include "train/bench/compare.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"

namespace causeway {
namespace {

// All in log time.
constexpr double kAlike = 0.15;
constexpr double kNoises = 2, kLeast = 0.05;
constexpr size_t kManyRows = 8;
constexpr double kMostBetween = 0.05, kUsualBetween = 0.04;

using RoundPairs = std::vector<std::pair<size_t, size_t>>;  // (old, new)

/// Rounds in which the machine was alike; none where they are too few.
RoundPairs alike_rounds(const std::vector<Roof>& before, const std::vector<Roof>& now) {
  const auto alike = [](double a, double b) { return std::abs(std::log(a / b)) < kAlike; };
  RoundPairs pairs;
  std::set<size_t> olds, news;
  for (size_t i = 0; i < before.size(); ++i)
    for (size_t j = 0; j < now.size(); ++j)
      if (alike(before[i].flops, now[j].flops) && alike(before[i].bytes, now[j].bytes))
        pairs.emplace_back(i, j), olds.insert(i), news.insert(j);
  return std::min(olds.size(), news.size()) < kLeastRounds ? RoundPairs{} : pairs;
}

/// A row's median difference of log time, and half the middle half of the differences.
struct Shift {
  double median, within;
};

Shift shift_of(const std::vector<double>& values) {
  const Spread s = spread_of(values);
  return {.median = s.median, .within = (s.high - s.low) / 2};
}

Shift shift(const BenchRow& before, const BenchRow& now, const RoundPairs& pairs) {
  std::vector<double> differences;
  for (const auto& [i, j] : pairs)
    differences.push_back(std::log(now.rounds[j] / before.rounds[i]));
  return shift_of(differences);
}

/// What all rows share is the machine's doing, up to what alike roofs may hide.
Shift common_shift(const std::vector<double>& shifts) {
  if (shifts.size() < kManyRows) return {.median = 0, .within = kUsualBetween};
  const Shift all = shift_of(shifts);
  return {.median = std::clamp(all.median, -kAlike, kAlike),
          .within = std::min(all.within, kMostBetween)};
}

void judge(Comparison& c, const Shift& row, const Shift& common) {
  const double allowed = kNoises * std::hypot(row.within, common.within) + kLeast;
  const double apart = row.median - common.median;
  c.ratio = std::exp(row.median), c.noise = std::exp(allowed) - 1;
  if (std::min(row.median, apart) > allowed) c.change = Change::Slower;
  if (std::max(row.median, apart) < -allowed) c.change = Change::Faster;
}

const BenchRow* find(const BenchReport& report, const BenchRow& like) {
  const auto same = [&](const BenchRow& r) { return r.name == like.name && r.dtype == like.dtype; };
  const auto found = std::find_if(report.rows.begin(), report.rows.end(), same);
  return found == report.rows.end() ? nullptr : &*found;
}

const char* word(Change change) {
  switch (change) {
    case Change::None:
      return "none";
    case Change::Faster:
      return "faster";
    case Change::Slower:
      return "slower";
    case Change::Unknown:
      return "unknown";
  }
  CHECK(false, "no such change");
}

}  // namespace

std::vector<Comparison> compare(const BenchReport& old_report, const BenchReport& new_report) {
  std::map<std::string, RoundPairs> pairs;
  for (const auto& [dtype, roofs] : new_report.round_roofs)
    if (const auto old = old_report.round_roofs.find(dtype); old != old_report.round_roofs.end())
      pairs[dtype] = alike_rounds(old->second, roofs);
  std::vector<Comparison> comparisons;
  std::vector<Shift> shifts;
  std::vector<double> medians;
  for (const BenchRow& now : new_report.rows) {
    const BenchRow* before = find(old_report, now);
    if (!before) continue;
    const RoundPairs& alike = pairs[now.dtype];
    comparisons.push_back({.name = now.name,
                           .dtype = now.dtype,
                           .ratio = now.seconds.median / before->seconds.median,
                           .change = alike.empty() ? Change::Unknown : Change::None});
    shifts.push_back(alike.empty() ? Shift{} : shift(*before, now, alike));
    if (!alike.empty()) medians.push_back(shifts.back().median);
  }
  const Shift common = common_shift(medians);
  for (size_t i = 0; i < comparisons.size(); ++i)
    if (comparisons[i].change != Change::Unknown) judge(comparisons[i], shifts[i], common);
  return comparisons;
}

bool comparable(const RoundRoofs& before, const RoundRoofs& now) {
  return std::all_of(now.begin(), now.end(), [&](const auto& part) {
    const auto old = before.find(part.first);
    return old == before.end() || !alike_rounds(old->second, part.second).empty();
  });
}

Json to_json(const std::vector<Comparison>& comparisons) {
  Json changes = Json::array();
  for (const Comparison& c : comparisons) {
    changes.push_back({{"name", c.name},
                       {"dtype", c.dtype},
                       {"ratio", c.ratio},
                       {"noise", c.noise},
                       {"change", word(c.change)}});
  }
  return changes;
}

void print_changes(const std::vector<Comparison>& comparisons, const BenchReport& old_report,
                   const BenchReport& new_report) {
  fmt::print("\n{:<57} {:<5} {:>8} {:>7}\n", "against the older report", "", "time", "noise");
  for (const auto& [name, value] : new_report.roofs)
    if (const double before = old_report.roof(name); before > 0)
      fmt::print("{:<63} {:>+7.1f}%\n", "roof: " + name, 100 * (before / value - 1));
  std::map<Change, int> count;
  for (const Comparison& c : comparisons) {
    ++count[c.change];
    const bool known = c.change != Change::Unknown;
    fmt::print("{:<57} {:<5} {:>+7.1f}% {:>7} {}\n", c.name, c.dtype, 100 * (c.ratio - 1),
               known ? fmt::format("{:.1f}%", 100 * c.noise) : "",
               c.change == Change::None ? "" : word(c.change));
  }
  fmt::print("{} rows compared: {} slower, {} faster beyond the noise, {} unknown\n",
             comparisons.size(), count[Change::Slower], count[Change::Faster],
             count[Change::Unknown]);
  if (count[Change::Unknown] > 0)
    fmt::print(
        "unknown: the machine was not alike (matmul and copy within 15 %) in {} rounds of each.\n"
        "  Measure once more; if only the matmul roof changed again, matmul itself has.\n",
        kLeastRounds);
}

}  // namespace causeway
