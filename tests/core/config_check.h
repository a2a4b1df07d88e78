// What the config tests share: a text that loads, and a look at the error of one that does not.
#pragma once
#include <string>
#include <vector>

#include "core/config_load.h"
#include "core/error.h"
#include "tests/catch.h"

namespace causeway::test {

/// The error as the user sees it, or "loaded".
inline std::string error_of(const std::string& text,
                            const std::vector<std::string>& overrides = {}) {
  try {
    load_config_text(text, "t.yaml", overrides);
    return "loaded";
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::Config);
    return error.what();
  }
}

/// A complete config with more lines; `train` and `data` go first, so lines count from 3.
inline std::string with(const std::string& more) {
  return "data: {source: a.txt}\ntrain: {max_steps: 10}\n" + more;
}

}  // namespace causeway::test
