// What the user sees of a run: scrolling lines, and on a terminal one status line below them. The
// lines also go to the run's train.log. Read next: trainer.h.
#pragma once
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace causeway {

/// Plain: a pipe or file, never an escape code. Live: a terminal that understands them. Silent:
/// shows nothing, for ranks that leave speaking to rank 0.
enum class TerminalKind : uint8_t { Plain, Live, Silent };
enum class Colour : uint8_t { Off, On };

struct Terminal {
  std::FILE* out = stdout;
  TerminalKind kind = TerminalKind::Plain;
  Colour colour = Colour::Off;
  int fixed_width = 0;  ///< columns; 0: ask the terminal each time, so that resizing works
};

/// What `out` is: Live for a terminal other than TERM=dumb, in colour unless NO_COLOR is set.
Terminal detect_terminal(std::FILE* out);

struct StatusInfo {
  int64_t step = 0, max_steps = 0;
  double loss = 0;
  double tokens_per_second = 0;
  double peak_share = 0;                       ///< 0..1; 0: not known, not shown
  std::string_view peak_name = "matmul peak";  ///< or "MFU"
  double eta_seconds = 0;
};

/// The status text for a terminal of `width` columns: fewer columns drop the bar, then what stands
/// last.
std::string format_status(const StatusInfo& status, int width);

/// Three digits below a minute: "82.1 µs", "1.23 ms", "12.3 s", "4m 07s", "3h 02m".
std::string format_time(double seconds);
/// "1,234,567".
std::string format_count(int64_t value);
/// "1.5 GiB", "12.0 MiB", "512 B".
std::string format_bytes(double bytes);

class Console {
 public:
  /// `log`: file to append every line to, with its time; empty: none. Throws Error "disk.open".
  explicit Console(const Terminal& terminal, const std::filesystem::path& log = {});
  ~Console();  ///< removes the status line
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Scrolls up above the status line. May hold several lines of text.
  void line(std::string_view text);
  /// As line(), marked as a warning.
  void warn(std::string_view text);
  /// Shows the status line, at most ten times a second. Plain terminals show none.
  void status(const StatusInfo& status);
  /// Takes the status line away, until the next status().
  void clear_status();

 private:
  void print(std::string_view text);
  int width() const;

  Terminal terminal_;
  std::shared_ptr<spdlog::logger> log_;  // spdlog's own handle type
  std::string status_;                   // what stands on the status line now
  std::chrono::steady_clock::time_point status_time_{};
};

}  // namespace causeway
