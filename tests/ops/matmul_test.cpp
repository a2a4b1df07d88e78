// The matrix product and the linear layer. The cases are in core/cases; what is required of them in
// agreement.h and complex_step.h.
#include "core/cases/families.h"
#include "tests/ops/agreement.h"
#include "tests/ops/complex_step.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE("the backward of the linear layer in every option is the exact derivative of its forward",
          "[ops][gradient]") {
  require_exact_gradients(matmul_cases(), 24);
}

TEST_CASE(
    "the linear layer in every option agrees with the double reference on every product backend",
    "[ops][agreement]") {
  require_agreement(matmul_cases());
}

}  // namespace causeway
