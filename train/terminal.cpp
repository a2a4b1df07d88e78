// See terminal.h. The only file that includes spdlog.
#include "train/terminal.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/error.h"

namespace causeway {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[2K";
constexpr std::string_view kYellow = "\x1b[33m", kGreen = "\x1b[32m", kReset = "\x1b[0m";
constexpr auto kStatusInterval = std::chrono::milliseconds(100);

std::shared_ptr<spdlog::logger> open_log(const std::filesystem::path& path) try {
  auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
  auto log = std::make_shared<spdlog::logger>("causeway", std::move(sink));
  log->set_pattern("%Y-%m-%d %H:%M:%S %v");
  log->flush_on(spdlog::level::info);
  // A full disk must not end a run because of its log: spdlog's own handler goes on quietly.
  log->set_error_handler([](const std::string&) {});
  return log;
} catch (const spdlog::spdlog_ex& e) {
  throw Error({.id = "disk.open",
               .where = path.string(),
               .what = e.what(),
               .remedy = "check the folder's permissions and the free space"});
}

std::string progress_bar(double share, int width) {
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
  return "[" + std::string(full, '#') + std::string(width - full, '-') + "]";
}

}  // namespace

Terminal detect_terminal(std::FILE* out) {
  Terminal terminal{.out = out};
  const char* term = std::getenv("TERM");
  if (!isatty(fileno(out)) || !term || std::string_view(term) == "dumb") return terminal;
  terminal.kind = TerminalKind::Live;
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  terminal.colour = no_color && *no_color ? Colour::Off : Colour::On;
  return terminal;
}

std::string format_time(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  const auto s = static_cast<int64_t>(std::llround(seconds));
  if (s >= 3600) return fmt::format("{}h {:02}m", s / 3600, s / 60 % 60);
  if (seconds >= 59.95) return fmt::format("{}m {:02}s", s / 60, s % 60);
  static constexpr const char* kUnits[] = {"s", "ms", "µs", "ns"};
  size_t unit = 0;
  for (; seconds > 0 && seconds < 0.9995 && unit + 1 < std::size(kUnits); ++unit) seconds *= 1e3;
  const int decimals = seconds >= 99.95 ? 0 : seconds >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", seconds, seconds > 0 ? decimals : 0, kUnits[unit]);
}

std::string format_count(int64_t value) {
  std::string digits = std::to_string(value);
  const int64_t first = value < 0 ? 1 : 0;
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > first; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

std::string format_bytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string format_status(const StatusInfo& s, int width) {
  const double share =
      s.max_steps > 0 ? static_cast<double>(s.step) / static_cast<double>(s.max_steps) : 0;
  std::string text = fmt::format("step {}/{}  loss {:.4f}  {} tok/s", format_count(s.step),
                                 format_count(s.max_steps), s.loss,
                                 format_count(std::llround(s.tokens_per_second)));
  if (s.peak_share > 0) text += fmt::format("  {:.0f}% {}", 100 * s.peak_share, s.peak_name);
  text += "  ETA " + format_time(s.eta_seconds);
  // The last column stays free: writing into it makes some terminals wrap.
  const int room = width - 1;
  const int bar = std::min(30, room - static_cast<int>(text.size()) - 9);
  if (bar >= 8) text = fmt::format("{} {:3.0f}%  {}", progress_bar(share, bar), 100 * share, text);
  if (static_cast<int>(text.size()) > room) text.resize(std::max(0, room));
  return text;
}

Console::Console(const Terminal& terminal, const std::filesystem::path& log)
    : terminal_(terminal), log_(log.empty() ? nullptr : open_log(log)) {}

Console::~Console() { clear_status(); }

int Console::width() const {
  if (terminal_.fixed_width > 0) return terminal_.fixed_width;
  winsize size{};
  const bool known = ioctl(fileno(terminal_.out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// The status line is erased, the text takes its place and scrolls, the status is drawn again below.
void Console::print(std::string_view text) {
  if (terminal_.kind == TerminalKind::Silent) return;
  const std::string status = status_;
  clear_status();
  std::fwrite(text.data(), 1, text.size(), terminal_.out);
  std::fputc('\n', terminal_.out);
  status_ = status;
  std::fwrite(status_.data(), 1, status_.size(), terminal_.out);
  std::fflush(terminal_.out);
}

void Console::line(std::string_view text) {
  print(text);
  if (log_) log_->info("{}", text);
}

void Console::warn(std::string_view text) {
  if (terminal_.colour == Colour::On) {
    print(fmt::format("{}warning:{} {}", kYellow, kReset, text));
  } else {
    print(fmt::format("warning: {}", text));
  }
  if (log_) log_->info("warning: {}", text);
}

void Console::status(const StatusInfo& info) {
  if (terminal_.kind != TerminalKind::Live) return;
  const auto now = std::chrono::steady_clock::now();
  if (!status_.empty() && now - status_time_ < kStatusInterval) return;
  status_time_ = now;
  std::string text = format_status(info, width());
  if (terminal_.colour == Colour::On) text = fmt::format("{}{}{}", kGreen, text, kReset);
  clear_status();
  status_ = std::move(text);
  std::fwrite(status_.data(), 1, status_.size(), terminal_.out);
  std::fflush(terminal_.out);
}

void Console::clear_status() {
  if (status_.empty()) return;
  std::fwrite(kEraseLine.data(), 1, kEraseLine.size(), terminal_.out);
  std::fflush(terminal_.out);
  status_.clear();
}

}  // namespace causeway
