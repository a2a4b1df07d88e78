// See page.h.
#include "train/bench/page.h"

#include "core/error.h"

namespace causeway {
namespace {

constexpr const char* kHead =
    R"(# Benchmarks

Made by `causeway bench page FILES… > docs/benchmarks.md` from the stored reports named below, each
with the command that measured it; a test compares the page. Each row is one operation in one of the
tests' own cases; on a CPU its operands are flushed from the caches before each run, unless caches
are called warm. The time is the median over rounds, ± half of the middle half of them. The roof is
this machine's own: a square matmul and a large copy, measured in the same rounds; a share is the
least time that the roof allows over the time taken, the median over the rounds. The copy is a
yardstick: it writes lines that it has not read. What writes where it has read (AdamW, the backward
of cross-entropy) and what fits a cache when caches are warm may exceed its rate. Rivals, where there
are any: naive is plain loops on one thread; a ratio above 1 says that ours is faster.

Make a report of your machine, and compare with a later build:

```sh
causeway bench kernels --save before.json --plot before.svg
causeway bench kernels --compare before.json
```

Only rounds in which the roofs agree within 15 % are compared, and a change is told where it exceeds
the noise that is printed beside it: mostly 9 to 16 % on two cores of a shared machine. Where
rounds seldom agree, make both reports in the same minutes (docs/log.md, cold caches).
)";

std::string section(const StoredReport& stored) {
  const BenchReport& report = stored.report;
  std::string text =
      fmt::format("\n## {}, on {}\n\n{}, {}, {}. From `{}`, made by\n`{}`.\n\n", report.title,
                  report.device.substr(0, report.device.find(',')), report.device, report.version,
                  report.date, stored.file, report.command);
  if (report.version.find("-dirty") != std::string::npos)
    text +=
        "**That build had changes which no commit holds: these figures can not be made "
        "again.**\n\n";
  for (const auto& [name, value] : report.roofs)
    text += fmt::format("- roof, {}: {}\n", name, roof_rate(name, value));
  std::string headings = "\n|", rules = "\n|";
  for (const BenchColumn& c : bench_columns()) {
    headings += fmt::format(" {} |", c.heading);
    rules += c.align == '<' ? "---|" : "--:|";
  }
  text += headings + rules + "\n";
  for (const BenchRow& r : report.rows) {
    text += "|";
    for (const BenchColumn& c : bench_columns()) text += fmt::format(" {} |", c.cell(r));
    text += "\n";
  }
  return text;
}

}  // namespace

std::string benchmarks_page(const std::vector<StoredReport>& reports) {
  std::string text = kHead;
  for (const StoredReport& stored : reports) text += section(stored);
  return text;
}

}  // namespace causeway
