// The bench's honesty: what has not changed raises no alarm, what has does, and the page of
// benchmarks is what the stored reports say. Read next: bench_test.cpp.
#include <cmath>
#include <fstream>
#include <random>

#include "tests/error_of.h"
#include "tests/train/shell.h"
#include "train/bench/compare.h"
#include "train/bench/page.h"
#include "train/bench/plot.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

/// What a run was like: rows of 1 ms, 2 ms, …
struct Run {
  int rows = 12;
  double noise = 0.04;  ///< of a round's time, as a share
  double slow_row = 1;  ///< the first row takes so many times as long
  double all = 1;       ///< all rows do
  double matmul = 1e11, copy = 1e10;
  uint64_t seed = 1;
};

BenchReport report_of(const Run& run) {
  BenchReport report;
  report.title = "t", report.device = "d", report.version = "v", report.date = "2026-01-02";
  report.command = "causeway bench kernels --op norm";
  report.roofs = {{"f32 matmul", run.matmul}, {"copy", run.copy}};
  std::mt19937_64 random(run.seed);
  const auto around = [&](double value) {
    return value * (1 + run.noise * (2 * std::generate_canonical<double, 53>(random) - 1));
  };
  constexpr int kRounds = 15;
  for (int i = 0; i < kRounds; ++i)
    report.round_roofs["f32"].push_back({around(run.matmul), around(run.copy)});
  for (int r = 0; r < run.rows; ++r) {
    BenchRow row;
    row.name = fmt::format("norm/x{} forward", r), row.dtype = "f32", row.bound = "copy";
    row.flops = 1e9, row.bytes = 1e8;
    for (int i = 0; i < kRounds; ++i)
      row.rounds.push_back(around((r + 1) * 1e-3 * run.all * (r == 0 ? run.slow_row : 1)));
    row.seconds = spread_of(row.rounds);
    row.share = {0.8, 0.79, 0.81};
    report.rows.push_back(row);
  }
  return report;
}

/// All that an error says, in one text.
template <class Action>
std::string said(const Action& action) {
  const ErrorInfo e = error_of(action);
  return fmt::format("error[{}] {}: {}\n{}", e.id, e.where, e.what, e.remedy);
}

/// Of the first row, which is the only one that may have changed.
Change change(const Run& before, const Run& now) {
  const std::vector<Comparison> all = compare(report_of(before), report_of(now));
  for (size_t i = 1; i < all.size(); ++i)
    CHECK((all[i].change == Change::None || all[i].change == all[0].change));
  return all.at(0).change;
}

}  // namespace

TEST_CASE("a comparison tells a slower kernel from a slower machine and from noise") {
  CHECK(change({}, {.slow_row = 1.3, .seed = 2}) == Change::Slower);
  CHECK(change({}, {.slow_row = 1 / 1.3, .seed = 2}) == Change::Faster);
  CHECK(change({.rows = 2}, {.rows = 2, .slow_row = 1.3, .seed = 2}) == Change::Slower);
  CHECK(change({}, {.slow_row = 1.04, .seed = 2}) == Change::None);
  CHECK(change({.noise = 0.3}, {.noise = 0.3, .slow_row = 1.2, .seed = 2}) == Change::None);
  CHECK(change({}, {.all = 1.14, .matmul = 0.9e11, .seed = 2}) == Change::None);  // the machine
}

TEST_CASE("all rows slower on a machine with the same roof is slower code") {
  for (const Comparison& c : compare(report_of({}), report_of({.all = 1.5, .seed = 2})))
    CHECK(c.change == Change::Slower);
}

TEST_CASE("rounds are compared only where the machine was alike") {
  CHECK(change({}, {.slow_row = 2, .copy = 2e10, .seed = 2}) == Change::Unknown);
  CHECK(change({}, {.slow_row = 2, .matmul = 0.5e11, .seed = 2}) == Change::Unknown);
  // Half of the rounds on another machine, where all takes twice as long: only like is held
  // against like.
  BenchReport mixed = report_of({.seed = 3});
  for (size_t i = 0; i < 8; ++i) {
    mixed.round_roofs["f32"][i].bytes *= 0.5;
    for (BenchRow& row : mixed.rows) row.rounds[i] *= 2;
  }
  for (const Comparison& c : compare(report_of({}), mixed)) {
    CHECK(c.change == Change::None);
    CHECK(std::abs(c.ratio - 1) < 0.05);
  }
  CHECK(comparable(report_of({}).round_roofs, mixed.round_roofs));
  CHECK_FALSE(comparable(report_of({}).round_roofs, report_of({.copy = 2e10}).round_roofs));
}

TEST_CASE("a thousand comparisons of one build with itself raise no alarm") {
  int alarms = 0;
  for (uint64_t seed = 2; seed < 1002; ++seed)
    for (const Comparison& c : compare(report_of({}), report_of({.noise = 0.1, .seed = seed})))
      alarms += c.change != Change::None;
  CHECK(alarms == 0);
}

TEST_CASE("a spread is the median and the middle half") {
  const Spread s = spread_of({5, 1, 4, 2, 3, 100, 0});
  CHECK(s.median == 3);
  CHECK(s.low == 1);
  CHECK(s.high == 5);
}

TEST_CASE("a report is read as it was written, and a damaged one is refused") {
  TempFolder folder;
  const std::string file = (folder / "r.json").string();
  const BenchReport report = report_of({});
  write_text(file, to_json(report).dump());
  CHECK(to_json(read_report(file)) == to_json(report));
  for (const char* damaged : {"", "[]", "{}", "{\"title\": 3}"}) {
    write_text(file, damaged);
    CHECK_THAT(said([&] { read_report(file); }), Catch::Contains(file));
  }
  Json json = to_json(report);
  json["rows"][0].erase("share");
  write_text(file, json.dump());
  CHECK_THAT(said([&] { read_report(file); }), Catch::Contains("share"));
  json = to_json(report);
  json["rows"][3]["rounds"].erase(0);
  write_text(file, json.dump());
  CHECK_THAT(said([&] { read_report(file); }), Catch::Contains("norm/x3"));
}

TEST_CASE("a plot has a point and a bar for every row") {
  const std::string svg = plot_svg(report_of({}));
  CHECK_THAT(svg, Catch::StartsWith("<svg") && Catch::Contains("<circle") &&
                      Catch::Contains("norm/x0 forward f32") && Catch::Contains(">copy<") &&
                      Catch::EndsWith("</svg>\n"));
  CHECK_THAT(said([] { require_plot("out.gif"); }), Catch::Contains(".svg"));
}

TEST_CASE("a page names each report's command, and tells of a build that no commit holds") {
  BenchReport report = report_of({});
  report.version = "causeway 0.1.0 (abc1234)";
  CHECK_THAT(benchmarks_page({{"a.json", report}}),
             Catch::Contains("From `a.json`, made by\n`causeway bench kernels --op norm`") &&
                 !Catch::Contains("no commit holds"));
  report.version = "causeway 0.1.0 (abc1234-dirty)";
  CHECK_THAT(benchmarks_page({{"a.json", report}}), Catch::Contains("no commit holds"));
}

TEST_CASE("docs/benchmarks.md is what the stored reports say") {
  std::ifstream page(source_folder() / "docs/benchmarks.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  std::vector<StoredReport> reports;
  for (size_t at = 0; (at = text.find("From `", at)) != std::string::npos;) {
    at += 6;
    const std::string file = text.substr(at, text.find('`', at) - at);
    reports.push_back({file, read_report((source_folder() / file).string())});
  }
  REQUIRE(!reports.empty());
  CHECK(benchmarks_page(reports) == text);
}
