// Floating-point operations of a training token: the one formula behind tokens/s and utilisation.
// Read next: terminal.h, which shows the share of the peak.
#pragma once
#include <cstdint>

#include "core/config.h"

namespace causeway {

/// Weights that take part in a matmul for every token: the blocks' projections and the head (tied
/// or not, without the padding of the vocabulary); no embeddings, norms or biases.
/// config.vocab_size must be resolved.
int64_t matmul_parameters(const ModelConfig& config);

/// Forward and backward of one token in a sequence of block_size T: 6 · matmul parameters (two per
/// multiply-add, once forward and twice backward) + 6 · L · C · T for causal attention, halved,
/// with C = H · D. A sliding window is not subtracted. Kaplan et al. 2020, arXiv:2001.08361.
double flops_per_token(const ModelConfig& config);

}  // namespace causeway
