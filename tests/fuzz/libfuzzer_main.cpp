// The entry that libFuzzer calls. See fuzz.h.
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  causeway::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
