// What can be said about a config without data and devices: whether it is consistent, and what its
// `auto` values become. Read next: docs/config.md.
#pragma once
#include <cstdint>

#include "core/config.h"

namespace causeway {

/// Throws the first inconsistency as Error config.*, located by config.marks, with a remedy that
/// names a value that works.
void validate(const Config& config);

/// Fills n_kv_head, head_size, intermediate_size, micro_batch_size and grad_lanes. What needs data
/// or the finished length stays `auto`: vocab_size, decay_steps, eval.batches, hang_timeout.
void resolve(Config& config);

/// Largest divisor of global_batch_size whose micro-batch holds at most 8192 tokens; at least 1.
/// Independent of ranks and threads, as everything that decides the order of sums must be.
int64_t auto_micro_batch_size(int64_t global_batch_size, int64_t block_size);

/// Largest power of two ≤ 8 that divides the number of micro-batches per step.
int64_t auto_grad_lanes(int64_t micro_batches);

}  // namespace causeway
