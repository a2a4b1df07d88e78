// Cross-entropy: rows in pieces. Arithmetic: kernels/loss.cpp.
#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway::cpu {

void CpuBackend::prepare(const CrossEntropy& op) {
  const bool powers = op.mode == LossMode::LossAndGradient && op.logits.dtype == DType::BF16;
  scratch_.reserve(powers ? op.vocab_size * sizeof(float) : 0, 0);
}

void CpuBackend::cross_entropy(const CrossEntropy& op) {
  check(op);
  prepare(op);
  const int act = act_index(op.logits.dtype, "cross_entropy");
  check_indices(op.targets, -1, op.vocab_size, "cross_entropy", "targets");
  const CrossEntropyArgs args{.gradient = op.mode == LossMode::LossAndGradient,
                              .loss = op.loss.as<float>(),
                              .logits = op.logits.data,
                              .targets = op.targets.as<int32_t>(),
                              .stride = op.logits.shape[1],
                              .vocab = op.vocab_size,
                              .softcap = static_cast<float>(op.softcap),
                              .scale = static_cast<float>(op.scale)};
  const int64_t rows = op.logits.shape[0], piece = rows_per_piece(args.stride);
  pool_.run((rows + piece - 1) / piece, [&](int64_t i, int slot) {
    kernels_.cross_entropy[act](args, i * piece, std::min(rows, (i + 1) * piece),
                                scratch_.slot(slot));
  });
}

}  // namespace causeway::cpu
