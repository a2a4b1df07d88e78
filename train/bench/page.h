// docs/benchmarks.md, from stored reports: no figure of that page is typed by hand. Read next:
// report.h, verb_page.cpp.
#pragma once
#include <string>
#include <vector>

#include "train/bench/report.h"

namespace causeway {

struct StoredReport {
  std::string file;  ///< as the page names it
  BenchReport report;
};
std::string benchmarks_page(const std::vector<StoredReport>& reports);

}  // namespace causeway
