// Errors that tell what, where, why and what to do; and CHECK for broken contracts.
// Read next: train/main.cpp, which prints them and turns them into exit codes.
#pragma once
#include <fmt/format.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace causeway {

/// Exit codes of the program. A user's script may rely on them.
enum class ExitCode : int {
  Ok = 0,
  Config = 2,      ///< config file or command line
  Data = 3,        ///< text, tokens, tokenizer
  Checkpoint = 4,  ///< checkpoint missing, corrupt or of another run
  Memory = 5,      ///< does not fit
  Guard = 6,       ///< non-finite loss or gradient
  Disk = 7,        ///< no space, no permission
  Peer = 8,        ///< another rank was lost or hangs
  Device = 9,      ///< no such device, or it failed
  Internal = 70,   ///< our fault
  Saved = 75,      ///< stopped by a signal after saving; run the same command again
};

struct ErrorInfo {
  std::string id;      ///< "config.unknown_key": stable, the first word decides the exit code
  std::string where;   ///< "configs/char.yaml:13:14", a path, or empty
  std::string what;    ///< what is wrong, with the values that show it
  std::string remedy;  ///< what to do about it; may have several lines
};

/// The one exception type of the project.
class Error : public std::runtime_error {
 public:
  explicit Error(ErrorInfo info);
  const ErrorInfo& info() const { return info_; }
  const std::string& id() const { return info_.id; }
  /// From the id's first word: config and usage 2, data and tokenizer 3, checkpoint 4, memory 5,
  /// guard 6, disk 7, peer 8, device 9, anything else 70.
  ExitCode exit_code() const;

 private:
  ErrorInfo info_;
};

/// "error[id] where: what\n  remedy", the form in which users see an error (what() returns it too).
std::string to_string(const ErrorInfo& info);

/// What any exception is to a user: itself, or memory.host, disk.access, internal.exception.
Error as_error(const std::exception& exception);

[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const std::string& message);

/// The closest of `candidates` to `word` by edit distance, or "" when none is near enough to help.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace causeway

/// A contract between functions of this project, never a test of a user's input.
#define CHECK(condition, ...)                                                               \
  do {                                                                                      \
    if (!(condition)) [[unlikely]]                                                          \
      ::causeway::check_failed(#condition, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__)); \
  } while (0)
