// See plot.h.
#include "train/bench/plot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/file.h"

namespace causeway {
namespace {

constexpr double kWidth = 900, kRoofHeight = 360, kMargin = 60, kBarHeight = 16;
constexpr const char* kColours[] = {"#1b6ca8", "#d1495b"};  // of f32, bf16

constexpr const char* kConverter = "rsvg-convert";

/// Whether the program was found and ended well; its words go to the error stream.
bool run(std::vector<std::string> command) {
  std::vector<char*> words;
  for (std::string& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  return !failed && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

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
      const double label = std::min(3 * from, ridge);  // the same for every dtype
      svg += line(x(from), y(from * copy), x(ridge), y(rate), colour(dtype));
      svg += text(x(label) - 6, y(label * copy) - 4, "copy", "end");
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

void require_plot(const std::string& file) {
  const bool png = file.ends_with(".png");
  if (file.ends_with(".svg") || (png && run({kConverter, "--version"}))) return;
  throw Error({.id = "usage.plot",
               .where = "--plot " + file,
               .what = png ? fmt::format("a PNG is made by {}, which does not run here", kConverter)
                           : "plots are drawn as SVG, or PNG",
               .remedy = "name a file that ends in .svg: browsers show it; for .png: apt-get "
                         "install librsvg2-bin"});
}

void save_plot(const std::string& file, const BenchReport& report) {
  if (file.ends_with(".svg")) return replace_file(file, plot_svg(report));
  const std::string drawn = file + ".svg";
  replace_file(drawn, plot_svg(report));
  if (!run({kConverter, "--zoom", "2", "--output", file, drawn}))
    throw Error({.id = "disk.plot",
                 .where = file,
                 .what = fmt::format("{} made no PNG of {}", kConverter, drawn),
                 .remedy = "the SVG is there; what it said stands above"});
  std::filesystem::remove(drawn);
}

}  // namespace causeway
