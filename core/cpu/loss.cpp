// Cross-entropy: rows in pieces. Arithmetic: kernels/loss.cpp.
#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway::cpu {

void CpuBackend::cross_entropy(const CrossEntropy& op) {
  check(op);
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
  in_pieces(op.logits.shape[0], rows_per_piece(args.stride),
            [&](int64_t begin, int64_t end) { kernels_.cross_entropy[act](args, begin, end); });
}

}  // namespace causeway::cpu
