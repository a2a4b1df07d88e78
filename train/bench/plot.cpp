// See plot.h.
#include "train/bench/plot.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace causeway {
namespace {

constexpr double kWidth = 900, kRoofHeight = 360, kMargin = 60, kBarHeight = 16;
constexpr const char* kColours[] = {"#1b6ca8", "#d1495b"};  // of f32, bf16

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

const char* colour(const std::string& dtype) { return kColours[dtype == "bf16"]; }

std::string text(double x, double y, const std::string& words, const char* anchor = "start") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     escaped(words));
}

std::string line(double x1, double y1, double x2, double y2, const char* stroke) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2,
      y2, stroke);
}

/// Both axes are logarithms: FLOPs per byte to the right, GFLOP/s upwards.
class Roofline {
 public:
  explicit Roofline(const BenchReport& report) : report_(report) {
    for (const BenchRow& r : report.rows)
      if (r.flops > 0 && r.bytes > 0) {
        include(r.flops / r.bytes, r.flops / r.seconds.median / 1e9);
      }
    for (const auto& [name, value] : report.roofs)
      if (name != "copy") include(value / report.roof("copy"), value / 1e9);
    x_low_ = std::floor(x_low_), x_high_ = std::ceil(x_high_);
    y_low_ = std::floor(y_low_), y_high_ = std::ceil(y_high_);
  }

  std::string draw() const {
    std::string svg = axes();
    for (const auto& [name, value] : report_.roofs)
      if (name != "copy") svg += roof(name.substr(0, name.find(' ')), value / 1e9);
    for (const BenchRow& r : report_.rows)
      if (r.flops > 0 && r.bytes > 0)
        svg += fmt::format(
            "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"><title>{} "
            "{}</title></circle>\n",
            x(r.flops / r.bytes), y(r.flops / r.seconds.median / 1e9), colour(r.dtype),
            escaped(r.name), r.dtype);
    return svg;
  }

 private:
  void include(double intensity, double rate) {
    x_low_ = std::min(x_low_, std::log10(intensity)),
    x_high_ = std::max(x_high_, std::log10(intensity));
    y_low_ = std::min(y_low_, std::log10(rate)), y_high_ = std::max(y_high_, std::log10(rate));
  }
  double x(double intensity) const {
    return kMargin + (std::log10(intensity) - x_low_) / (x_high_ - x_low_) * (kWidth - 2 * kMargin);
  }
  double y(double rate) const {
    return kRoofHeight - (std::log10(rate) - y_low_) / (y_high_ - y_low_) * (kRoofHeight - kMargin);
  }

  std::string axes() const {
    std::string svg;
    for (double e = x_low_; e <= x_high_; ++e) {
      svg += line(x(std::pow(10, e)), kMargin, x(std::pow(10, e)), kRoofHeight, "#ddd");
      svg += text(x(std::pow(10, e)), kRoofHeight + 16, fmt::format("{:g}", std::pow(10, e)),
                  "middle");
    }
    for (double e = y_low_; e <= y_high_; ++e) {
      svg += line(kMargin, y(std::pow(10, e)), kWidth - kMargin, y(std::pow(10, e)), "#ddd");
      svg += text(kMargin - 6, y(std::pow(10, e)) + 4, fmt::format("{:g}", std::pow(10, e)), "end");
    }
    svg += text(kWidth / 2, kRoofHeight + 34, "FLOPs per byte", "middle");
    return svg + text(8, kMargin - 14, "GFLOP/s");
  }

  /// The slope of the copy up to the ridge, then flat at the matmul's rate.
  std::string roof(const std::string& dtype, double rate) const {
    const double copy = report_.roof("copy") / 1e9, ridge = rate / copy;
    const double from = std::max(std::pow(10, x_low_), std::pow(10, y_low_) / copy);
    std::string svg = line(x(ridge), y(rate), kWidth - kMargin, y(rate), colour(dtype));
    if (from < ridge) {
      const double label = std::max(ridge / 4, from);
      svg += line(x(from), y(from * copy), x(ridge), y(rate), colour(dtype));
      svg += text(x(label) + 10, y(label * copy), "copy", "start");
    }
    return svg + text(kWidth - kMargin, y(rate) - 4, dtype + " matmul", "end");
  }

  const BenchReport& report_;
  double x_low_ = 0, x_high_ = 1, y_low_ = 0, y_high_ = 1;
};

std::string bars(const BenchReport& report, double top) {
  const double left = 420, full = kWidth - kMargin - left;
  std::string svg = text(left, top - 8, "% of the roof; the line is 100 %");
  double y = top;
  for (const BenchRow& r : report.rows) {
    const double share = r.share.median;
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", left,
        y, std::min(share, 1.25) * full / 1.25, kBarHeight - 4, colour(r.dtype));
    svg += text(left - 6, y + kBarHeight - 6, r.name + " " + r.dtype, "end");
    svg += text(left + std::min(share, 1.25) * full / 1.25 + 4, y + kBarHeight - 6,
                fmt::format("{:.0f}", 100 * share));
    y += kBarHeight;
  }
  return svg + line(left + full / 1.25, top, left + full / 1.25, y, "#444");
}

}  // namespace

std::string plot_svg(const BenchReport& report) {
  const double top = kRoofHeight + 80;
  const double height = top + kBarHeight * static_cast<double>(report.rows.size()) + 20;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" "
             "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" "
             "fill=\"white\"/>\n",
             kWidth, height) +
         text(kMargin, 20, report.title) + text(kMargin, 36, report.device + ", " + report.date) +
         Roofline(report).draw() + bars(report, top) + "</svg>\n";
}

void require_svg(const std::string& file) {
  if (file.ends_with(".svg")) return;
  throw Error(
      {.id = "usage.plot",
       .where = "--plot " + file,
       .what = "plots are drawn as SVG",
       .remedy = "name a file that ends in .svg; browsers show it, and rsvg-convert makes a PNG"});
}

}  // namespace causeway
