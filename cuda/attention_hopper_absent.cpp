// The Hopper path of attention in a build without sm_90a: attention_path() never chooses it. See
// attention.h.
#include "core/error.h"
#include "cuda/attention.h"

namespace causeway::cuda {

bool has_hopper_attention() { return false; }
void attention_forward_hopper(const AttentionForward&, cudaStream_t) {
  CHECK(false, "chosen in a build without it");
}
void attention_backward_hopper(const AttentionBackward&, void*, cudaStream_t) {
  CHECK(false, "chosen in a build without it");
}

}  // namespace causeway::cuda
