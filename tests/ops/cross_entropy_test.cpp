// Cross-entropy. The cases are in core/cases; what is required of them in agreement.h and
// complex_step.h.
#include "core/cases/families.h"
#include "tests/ops/agreement.h"
#include "tests/ops/complex_step.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE("the backward of cross-entropy is the exact derivative of its forward",
          "[ops][gradient]") {
  require_exact_gradients(cross_entropy_cases(), 40);
}

TEST_CASE("cross-entropy agrees with the double reference on every product backend",
          "[ops][agreement]") {
  require_agreement(cross_entropy_cases());
}

}  // namespace causeway
