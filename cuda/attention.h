// Causal attention on CUDA: which kernels run, and how. Semantics: core/backend.h. Read next:
// attention_dispatch.h (the choice), attention_forward.cu, attention_backward.cu;
// docs/attention.md.
#pragma once
#include <cuda_runtime.h>

#include "core/backend.h"

namespace causeway::cuda {

/// The largest head size that any path takes; the caller refuses more.
inline constexpr int64_t kMaxHeadSize = 256;

/// Asynchronous on `stream`. Arguments have passed check(op) of core/ops_check.h and are f32 or
/// bf16. `capability`: the device's, as device_capability() of runtime.h gives it.
void attention_forward(const AttentionForward& op, int capability, cudaStream_t stream);

/// `scratch`: attention_scratch_bytes(op) bytes, 16-byte aligned, in use until the stream is done.
void attention_backward(const AttentionBackward& op, void* scratch, int capability,
                        cudaStream_t stream);
size_t attention_scratch_bytes(const AttentionBackward& op);

// The path of Hopper (attention_hopper.cu): for operations that attention_path() gives to it.
bool has_hopper_attention();  ///< whether this build has it
void attention_forward_hopper(const AttentionForward& op, cudaStream_t stream);
/// `scratch` holds level and delta already.
void attention_backward_hopper(const AttentionBackward& op, void* scratch, cudaStream_t stream);

}  // namespace causeway::cuda
