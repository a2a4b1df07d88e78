// See flops.h.
#include "train/flops.h"

namespace causeway {

int64_t matmul_parameters(const ModelConfig& config) {
  const int64_t C = config.n_embd, D = config.head_dim(), F = config.mlp_width();
  const int64_t query_and_output = 2 * C * config.n_head * D;
  const int64_t keys_and_values = 2 * C * config.kv_heads() * D;
  const int64_t mlp = (config.mlp == MlpKind::SwiGlu ? 3 : 2) * C * F;
  const int64_t head = config.vocab_size.value() * C;
  return config.n_layer * (query_and_output + keys_and_values + mlp) + head;
}

double flops_per_token(const ModelConfig& config) {
  const int64_t attention_width = config.n_head * config.head_dim();
  const int64_t attention = config.n_layer * attention_width * config.block_size;
  return 6.0 * static_cast<double>(matmul_parameters(config)) +
         6.0 * static_cast<double>(attention);
}

}  // namespace causeway
