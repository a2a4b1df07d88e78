// A report as a picture: the roofline with every row on it, and a bar for each row's share of its
// roof. SVG, drawn here: any browser shows it. Read next: report.h.
#pragma once
#include <string>

#include "train/bench/report.h"

namespace causeway {

std::string plot_svg(const BenchReport& report);

/// Throws Error "usage.plot" when `file` does not end in .svg.
void require_svg(const std::string& file);

}  // namespace causeway
