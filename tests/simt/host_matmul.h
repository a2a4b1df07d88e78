// What the emulated library of products knows, for tests of what is done where it knows no way.
// Read next: host_matmul.cpp, products_test.cpp.
#pragma once
#include <cstdint>

namespace causeway::cuda {

/// All: with bias and epilogue. Plain: the product alone, added to what is there or not.
enum class KnownProducts : uint8_t { All, Plain, None };
/// Of backends whose plans are made from now on.
KnownProducts& known_products();

/// Ends with the scope.
class Knowing {
 public:
  explicit Knowing(KnownProducts known) { known_products() = known; }
  Knowing(const Knowing&) = delete;
  Knowing& operator=(const Knowing&) = delete;
  ~Knowing() { known_products() = KnownProducts::All; }
};

}  // namespace causeway::cuda
