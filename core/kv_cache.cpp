// See kv_cache.h.
#include "core/kv_cache.h"

namespace causeway {

KvCache::KvCache(Backend& backend, const ModelConfig& config, DType act)
    : capacity_(config.block_size) {
  const int64_t slots = 2 * config.n_layer, heads = config.kv_heads(), size = config.head_dim();
  memory_ = Buffer(backend, slots * capacity_ * heads * size * dtype_size(act));
  slots_ = Tensor(memory_.data(), act, {slots, capacity_, heads, size});
}

Tensor KvCache::append_keys(Backend& ops, int layer, const Tensor& k) {
  return append(ops, 2 * layer, k);
}

Tensor KvCache::append_values(Backend& ops, int layer, const Tensor& v) {
  return append(ops, 2 * layer + 1, v);
}

Tensor KvCache::append(Backend& ops, int64_t slot, const Tensor& x) {
  const int64_t T = x.shape[1];
  CHECK(x.shape[0] == 1 && length_ + T <= capacity_, "cache of {} holds {}, got {}", capacity_,
        length_, to_string(x));
  const Tensor mine = slots_.slice(0, slot, 1);
  ops.copy(mine.slice(1, length_, T), x);
  return mine.slice(1, 0, length_ + T);
}

}  // namespace causeway
