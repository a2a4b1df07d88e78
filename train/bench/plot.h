// A report as a picture: the roofline with every row on it, and a bar for each row's share of its
// roof. SVG, drawn here: any browser shows it. Read next: report.h.
#pragma once
#include <string>

#include "train/bench/report.h"

namespace causeway {

std::string plot_svg(const BenchReport& report);

/// Throws Error "usage.plot" unless `file` ends in .svg, or in .png where rsvg-convert is
/// installed.
void require_plot(const std::string& file);
/// Writes the plot. Throws Error "disk.*".
void save_plot(const std::string& file, const BenchReport& report);

}  // namespace causeway
