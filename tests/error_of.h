// The error a call throws, for tests that look at its id, place and words.
#pragma once
#include "tests/catch.h"

namespace causeway::test {

/// The Error that `action` throws; the test fails where it throws none.
template <class Action>
ErrorInfo error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.info();
  }
  FAIL("no error was thrown");
  return {};
}

}  // namespace causeway::test
