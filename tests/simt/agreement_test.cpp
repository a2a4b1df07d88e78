// The CUDA backend against the double reference, the cases of every operation: emulated here, by
// hardware in tests/gpu, whose scripts/gpu_check picks its parts by tag.
// Read next: tests/ops/agreement.h, core/cases/families.h.
#include "tests/ops/agreement.h"

#include "core/cases/families.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE("CUDA agrees with the reference: products with bias, epilogues and bias gradients",
          "[matmul]") {
  require_agreement(matmul_cases());
}

TEST_CASE("CUDA agrees with the reference: norms", "[norm]") { require_agreement(norm_cases()); }

TEST_CASE("CUDA agrees with the reference: attention", "[attention]") {
  require_agreement(attention_cases());
}

TEST_CASE("CUDA agrees with the reference: embeddings", "[small]") {
  require_agreement(embedding_cases());
}

TEST_CASE("CUDA agrees with the reference: rotary embedding", "[small]") {
  require_agreement(rope_cases());
}

TEST_CASE("CUDA agrees with the reference: activations", "[small]") {
  require_agreement(activation_cases());
}

TEST_CASE("CUDA agrees with the reference: dropout", "[small]") {
  require_agreement(dropout_cases());
}

TEST_CASE("CUDA agrees with the reference: cross-entropy", "[cross-entropy]") {
  require_agreement(cross_entropy_cases());
}

TEST_CASE("CUDA agrees with the reference: copies and zeroing", "[small]") {
  require_agreement(memory_cases());
}

}  // namespace causeway
