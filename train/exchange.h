// GradientExchange: the sum of all ranks' gradients, each rank for the pieces that it owns. The
// order of every sum is that of the lane tree (step.h), whoever computed its leaves. Read next:
// core/buckets.h, core/comm.h.
#pragma once
#include <vector>

#include "core/arena.h"
#include "core/buckets.h"
#include "core/comm.h"

namespace causeway {

/// Sums `leaves` (a power of two of equal tensors, in rank order) by the balanced binary tree
/// ((0 + 1) + (2 + 3)) + …; the sum is left in leaves[keep], the others are used up.
void tree_sum(Backend& ops, std::span<const Tensor> leaves, int keep);

class GradientExchange {
 public:
  /// Allocates an inbox of (ranks − 1) times the owned elements, less than one gradient buffer,
  /// from `arena`; nothing on one rank.
  GradientExchange(Backend& ops, Communicator& comm, const Buckets& buckets, Arena& arena,
                   DType grad);

  /// Starts sending each rank its piece of the bucket. grads (flat) must not be written in this
  /// bucket until finish().
  void start(int bucket, const Tensor& grads);
  /// Afterwards the owned pieces of grads (flat) hold the sums over all ranks.
  void finish(const Tensor& grads);

 private:
  /// The place for rank r's contribution to the owned piece of a bucket; the own one is in grads.
  std::vector<Tensor> incoming(int bucket, const Tensor& grads) const;

  Backend& ops_;
  Communicator& comm_;
  const Buckets& buckets_;
  Tensor inbox_;                      // by bucket, then by rank
  std::vector<int64_t> inbox_begin_;  // by bucket
};

}  // namespace causeway
