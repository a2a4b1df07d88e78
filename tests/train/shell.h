// Runs the built program through a shell, with stdout and stderr apart. Its relative program.h runs
// it as a child that can be signalled.
#pragma once
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "tests/places.h"
#include "tests/train/temp_folder.h"

namespace causeway::test {

struct ShellResult {
  int exit_code = -1;  ///< 128 + signal when a signal ended it
  std::string out, err;
};

/// `arguments` as typed into a shell, in the repository's root. No terminal, no input.
inline ShellResult shell(const std::string& arguments) {
  const TempFolder temp;
  const std::string command =
      "cd '" + source_folder().string() + "' && '" + program_path().string() + "' " + arguments +
      " >" + (temp / "out").string() + " 2>" + (temp / "err").string() + " </dev/null";
  const int status = std::system(command.c_str());
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = read_text(temp / "out"),
          .err = read_text(temp / "err")};
}

}  // namespace causeway::test
