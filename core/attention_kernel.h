// Whose kernels compute attention on a GPU: what the config names and the CUDA backend builds.
// Read next: config.h (train.attention_kernel), cuda/attention_kernels.h.
#pragma once
#include <cstdint>

namespace causeway {

enum class AttentionKernel : uint8_t { Own, Cudnn };

}  // namespace causeway
