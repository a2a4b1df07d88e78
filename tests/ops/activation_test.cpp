// GELU, SwiGLU and squared ReLU. The cases are in core/cases; what is required of them in
// agreement.h and complex_step.h.
#include "core/cases/families.h"
#include "tests/ops/agreement.h"
#include "tests/ops/complex_step.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE("the backward of every activation is the exact derivative of its forward",
          "[ops][gradient]") {
  require_exact_gradients(activation_cases(), 32);
}

TEST_CASE("every activation agrees with the double reference on every product backend",
          "[ops][agreement]") {
  require_agreement(activation_cases());
}

}  // namespace causeway
