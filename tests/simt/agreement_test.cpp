// The emulated CUDA backend against the double reference: the cases of every operation.
// Read next: tests/ops/agreement.h, core/cases/families.h.
#include "tests/ops/agreement.h"

#include "core/cases/families.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE(
    "emulated CUDA agrees with the reference: products with bias, epilogues and bias gradients") {
  require_agreement(matmul_cases());
}

TEST_CASE("emulated CUDA agrees with the reference: norms") { require_agreement(norm_cases()); }

TEST_CASE("emulated CUDA agrees with the reference: attention") {
  require_agreement(attention_cases());
}

TEST_CASE("emulated CUDA agrees with the reference: embeddings") {
  require_agreement(embedding_cases());
}

TEST_CASE("emulated CUDA agrees with the reference: rotary embedding") {
  require_agreement(rope_cases());
}

TEST_CASE("emulated CUDA agrees with the reference: activations") {
  require_agreement(activation_cases());
}

TEST_CASE("emulated CUDA agrees with the reference: dropout") {
  require_agreement(dropout_cases());
}

TEST_CASE("emulated CUDA agrees with the reference: cross-entropy") {
  require_agreement(cross_entropy_cases());
}

TEST_CASE("emulated CUDA agrees with the reference: copies and zeroing") {
  require_agreement(memory_cases());
}

TEST_CASE(
    "emulated CUDA agrees with the reference: sums, the guard, AdamW, scaling and conversion") {
  require_agreement(step_cases());
}

}  // namespace causeway
