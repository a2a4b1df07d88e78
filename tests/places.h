// Where a test finds the checkout, the built program and the shared test data.
// The definitions hang on this build's folders, so they stand in one file (places.cpp): every other
// object is the same in each checkout, and the compiler cache serves them all.
#pragma once
#include <filesystem>
#include <string>

namespace causeway::test {

const std::filesystem::path& source_folder();  ///< the repository's root
const std::filesystem::path& program_path();   ///< the built causeway

/// NAME among the shared test data ($CAUSEWAY_SHARED, else ../shared/data beside the checkout); ""
/// where this machine has none. Then a test says so: SKIP_WITHOUT(path, name).
std::filesystem::path shared_data(const std::string& name);

}  // namespace causeway::test

/// Leaves the test, visibly, where shared_data() found nothing.
#define SKIP_WITHOUT(path, name)                                         \
  if ((path).empty()) {                                                  \
    WARN("SKIPPED: no " << (name) << " in the shared test data folder"); \
    return;                                                              \
  }
