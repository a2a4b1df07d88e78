// KvCache: keys and values of the positions a generation has already seen. Read next: model.h.
#pragma once
#include "core/context.h"

namespace causeway {

/// For B = 1. Keys are kept as attention reads them (normalised, rotated).
class KvCache {
 public:
  KvCache(Backend& backend, const ModelConfig& config, DType act);

  int64_t length() const { return length_; }
  int64_t capacity() const { return capacity_; }
  void clear() { length_ = 0; }
  /// After all layers of a forward have appended T positions.
  void advance(int64_t T) { length_ += T; }

  /// Copies k or v (1, T, K, D) behind the positions seen so far; returns all (1, length + T, K,
  /// D).
  Tensor append_keys(Backend& ops, int layer, const Tensor& k);
  Tensor append_values(Backend& ops, int layer, const Tensor& v);

 private:
  Tensor append(Backend& ops, int64_t slot, const Tensor& x);

  int64_t length_ = 0, capacity_ = 0;
  Buffer memory_;
  Tensor slots_;  // (2L, capacity, K, D): keys of layer l in slot 2l, its values in 2l + 1
};

}  // namespace causeway
