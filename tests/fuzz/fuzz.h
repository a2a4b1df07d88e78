// What a fuzz target is: any bytes must give a result or an Error, never a crash, a hang or a
// broken CHECK. With clang, CAUSEWAY_LIBFUZZER=ON makes them libFuzzer programs; else fuzz_main.cpp
// drives them for a while from seeds. Read next: fuzz_main.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace causeway::fuzz {

/// Valid inputs of this target to begin with.
std::vector<std::string> seeds();
/// Runs the target on one input; throws nothing.
void run(std::string_view input);

/// Calls work(); an Error of a caller's kind is a result.
template <class Work>
void expect_result_or_error(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.exit_code() == ExitCode::Internal) throw;
  }
}

/// What must hold of any input.
inline void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

}  // namespace causeway::fuzz
