// The values behind `auto` in the model section, and where a key was set. See config.h.
#include "core/config.h"

#include <cmath>

namespace causeway {

int64_t ModelConfig::mlp_width() const {
  if (intermediate_size) return *intermediate_size;
  if (mlp != MlpKind::SwiGlu) return 4 * n_embd;
  // Two thirds of 4C for the same parameter count with three matrices, up to a multiple of 64.
  return (8 * n_embd / 3 + 63) / 64 * 64;
}

// 2L projections add to the residual stream; so its variance does not grow with the depth.
double ModelConfig::residual_init_std() const {
  return init_std() / std::sqrt(2.0 * static_cast<double>(n_layer));
}

std::string KeyMarks::where(std::string_view key) const {
  if (const auto found = at.find(key); found != at.end()) return found->second;
  if (const auto found = at.find(key.substr(0, key.find('.'))); found != at.end())
    return found->second;
  return file;
}

}  // namespace causeway
