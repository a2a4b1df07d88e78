// Cross-entropy. The cases are in core/cases; what is required of them in agreement.h and
// complex_step.h.
#include <limits>

#include "core/buffer.h"
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

TEST_CASE("cross-entropy of a run that diverges ends, with the loss of its logits", "[ops]") {
  // The top lies in a later block than all that is −∞.
  constexpr int64_t kVocab = 4101, kNothing = 2048, kTop = 3000, kOther = 3500;
  for (const NamedBackend& product : product_backends())
    for (float top : {1e9f, 1.7e9f, 1e20f, 1e30f}) {
      INFO(product.name << ", a logit of " << top);
      std::vector<float> logits(2 * kVocab, 0.0f);
      logits[kTop] = logits[kVocab + kTop] = top;
      for (int64_t i = 0; i < kNothing; ++i)
        logits[i] = logits[kVocab + i] = -std::numeric_limits<float>::infinity();
      const std::vector<int32_t> targets{kTop, kOther};
      Backend& ops = *product.backend;
      const Buffer memory(ops, sizeof(float) * (2 * kVocab + 32));
      const Tensor z(memory.data(), DType::F32, {2, kVocab}),
          loss(z.as<float>() + 2 * kVocab, DType::F32, {2}),
          target(z.as<float>() + 2 * kVocab + 16, DType::I32, {2});
      ops.upload(z, logits.data());
      ops.upload(target, targets.data());
      ops.cross_entropy({.mode = LossMode::LossAndGradient,
                         .loss = loss,
                         .logits = z,
                         .targets = target,
                         .vocab_size = kVocab});
      float losses[2];
      ops.download(losses, loss);
      ops.download(logits.data(), z);
      CHECK(losses[0] == 0.0f);
      CHECK(losses[1] == top);
      CHECK(logits[kTop] == 0.0f);
      CHECK(logits[kVocab + kTop] == 1.0f);
      CHECK(logits[kVocab + kOther] == -1.0f);
      CHECK(logits[0] == 0.0f);
    }
}

}  // namespace causeway
