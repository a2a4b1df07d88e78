// The values behind `auto` in the model section. See config.h.
#include "core/config.h"

namespace causeway {

int64_t ModelConfig::mlp_width() const {
  if (intermediate_size) return *intermediate_size;
  if (mlp != MlpKind::SwiGlu) return 4 * n_embd;
  // Two thirds of 4C for the same parameter count with three matrices, up to a multiple of 64.
  return (8 * n_embd / 3 + 63) / 64 * 64;
}

}  // namespace causeway
