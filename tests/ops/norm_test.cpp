// Layer norm and RMS norm. The cases are in core/cases; what is required of them in agreement.h and
// complex_step.h.
#include "core/cases/families.h"
#include "tests/ops/agreement.h"
#include "tests/ops/complex_step.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE("the backward of layer norm and RMS norm is the exact derivative of its forward",
          "[ops][gradient]") {
  require_exact_gradients(norm_cases(), 60);
}

TEST_CASE("layer norm and RMS norm agree with the double reference on every product backend",
          "[ops][agreement]") {
  require_agreement(norm_cases());
}

}  // namespace causeway
