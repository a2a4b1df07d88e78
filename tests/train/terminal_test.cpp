// The console on a pretended terminal and in a pipe, byte by byte.
#include "train/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "tests/train/temp_folder.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

struct Output {
  TempFolder folder;
  std::FILE* file = std::fopen((folder / "out").c_str(), "w");
  ~Output() { std::fclose(file); }
  std::string text() const {
    std::fflush(file);
    return read_text(folder / "out");
  }
};

/// What a terminal shows of these bytes: lines, with \r and "erase line" obeyed.
std::string shown(const std::string& bytes) {
  std::string screen, line;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes.compare(i, 4, "\x1b[2K") == 0) {
      line.clear(), i += 3;
    } else if (bytes[i] == '\n') {
      screen += line + "\n", line.clear();
    } else if (bytes[i] != '\r') {
      line += bytes[i];
    }
  }
  return screen + line;
}

const StatusInfo kStatus{.step = 500,
                         .max_steps = 2000,
                         .loss = 1.98769,
                         .tokens_per_second = 45123.4,
                         .peak_share = 0.612,
                         .eta_seconds = 247};

}  // namespace

TEST_CASE("in a pipe only plain lines come, without escape codes or status") {
  Output out;
  {
    Console console({.out = out.file});
    console.status(kStatus);
    console.line("step 10  loss 4.1");
    console.warn("bf16 is emulated here");
    console.status(kStatus);
  }
  CHECK(out.text() == "step 10  loss 4.1\nwarning: bf16 is emulated here\n");
}

TEST_CASE("on a terminal the lines scroll above one status line, which goes at the end") {
  Output out;
  {
    Console console({.out = out.file, .kind = TerminalKind::Live, .fixed_width = 100});
    console.line("first");
    console.status(kStatus);
    console.line("second");
    CHECK(shown(out.text()) == "first\nsecond\n" + format_status(kStatus, 100));
    console.line(
        "third, longer than any status line could ever be on this terminal of ours, by far");
    CHECK_THAT(shown(out.text()), Catch::Contains("\nthird, longer than"));
  }
  CHECK_THAT(shown(out.text()), Catch::EndsWith("by far\n"));
}

TEST_CASE("without colour the only escape code is the one that erases the line") {
  Output out;
  {
    Console console({.out = out.file, .kind = TerminalKind::Live, .fixed_width = 100});
    console.status(kStatus);
    console.warn("careful");
  }
  std::string text = out.text();
  for (size_t at; (at = text.find("\x1b[2K")) != std::string::npos;) text.erase(at, 4);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("the status line fits any width and keeps the figures before the bar") {
  for (int width = 1; width <= 200; ++width) {
    CHECK(static_cast<int>(format_status(kStatus, width).size()) < std::max(2, width));
  }
  CHECK(format_status(kStatus, 78) ==
        "step 500/2,000  loss 1.9877  45,123 tok/s  61% matmul peak  ETA 4m 07s");
  CHECK(format_status(kStatus, 200) ==
        "[########----------------------]  25%  "
        "step 500/2,000  loss 1.9877  45,123 tok/s  61% matmul peak  ETA 4m 07s");
}

TEST_CASE("a file is plain, a terminal is live, TERM=dumb and NO_COLOR are obeyed") {
  Output out;
  CHECK(detect_terminal(out.file).kind == TerminalKind::Plain);

  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
    WARN("SKIPPED: this machine lends no pseudo-terminal");
    return;
  }
  std::FILE* terminal = std::fopen(ptsname(master), "w");
  REQUIRE(terminal);
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  CHECK(detect_terminal(terminal).kind == TerminalKind::Live);
  CHECK(detect_terminal(terminal).colour == Colour::On);
  setenv("NO_COLOR", "1", 1);
  CHECK(detect_terminal(terminal).kind == TerminalKind::Live);
  CHECK(detect_terminal(terminal).colour == Colour::Off);
  setenv("TERM", "dumb", 1);
  CHECK(detect_terminal(terminal).kind == TerminalKind::Plain);
  std::fclose(terminal);
  close(master);
}

TEST_CASE("every line also goes to the log, dated and plain") {
  Output out;
  const auto log = out.folder / "train.log";
  {
    Console console(
        {.out = out.file, .kind = TerminalKind::Live, .colour = Colour::On, .fixed_width = 80},
        log);
    console.status(kStatus);
    console.line("100% {braces} stay");
    console.warn("careful");
  }
  const std::string text = read_text(log);
  CHECK_THAT(text, Catch::Matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d 100% \\{braces\\} stay"
                                  "\n[-0-9: ]+ warning: careful\n"));
  const auto inside_a_file = out.folder / "out/train.log";
  CHECK_THROWS_WITH(Console({.out = out.file}, inside_a_file),
                    Catch::Contains("error[disk.open] " + inside_a_file.string()));
}

TEST_CASE("durations, counts and sizes read well") {
  const std::pair<double, const char*> times[] = {
      {0, "0 s"},           {8.5e-8, "85.0 ns"},        {8.21e-5, "82.1 µs"},
      {0.00123, "1.23 ms"}, {0.0123, "12.3 ms"},        {0.9996, "1.00 s"},
      {0.09996, "100 ms"},  {9.996, "10.0 s"},          {12.34, "12.3 s"},
      {59.4, "59.4 s"},     {59.96, "1m 00s"},          {247, "4m 07s"},
      {3599.7, "1h 00m"},   {3 * 3600 + 119, "3h 01m"}, {-1, "?"},
      {std::nan(""), "?"}};
  for (const auto& [seconds, text] : times) CHECK(format_time(seconds) == text);
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1234567) == "1,234,567");
  CHECK(format_count(-123) == "-123");
  CHECK(format_bytes(512) == "512 B");
  CHECK(format_bytes(1.5 * (1 << 30)) == "1.5 GiB");
}
