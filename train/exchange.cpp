// See exchange.h.
#include "train/exchange.h"

#include <algorithm>
#include <bit>

namespace causeway {

void tree_sum(Backend& ops, std::span<const Tensor> leaves, int keep) {
  // A subtree's sum stands at its first leaf, or at `keep` where that is one of its leaves; a sum
  // of two numbers does not ask which of them it is stored over.
  const int n = static_cast<int>(leaves.size());
  CHECK(std::has_single_bit(leaves.size()), "a tree of {} leaves", n);
  const auto place = [&](int first, int width) {
    return first <= keep && keep < first + width ? keep : first;
  };
  for (int width = 1; width < n; width *= 2)
    for (int first = 0; first < n; first += 2 * width) {
      const int sum = place(first, 2 * width), left = place(first, width),
                right = place(first + width, width);
      ops.axpby(leaves[sum], 1, leaves[sum == left ? right : left], 1);
    }
}

GradientExchange::GradientExchange(Backend& ops, Communicator& comm, const Buckets& buckets,
                                   Arena& arena, DType grad)
    : ops_(ops), comm_(comm), buckets_(buckets) {
  int64_t elements = 0;
  for (int b = 0; b < buckets.count(); ++b) {
    inbox_begin_.push_back(elements);
    // As large as the largest rank needs, so that a plan for one rank holds for all.
    int64_t largest = 0;
    for (const Range& piece : buckets.pieces(b)) largest = std::max(largest, piece.size());
    elements += (comm.size() - 1) * largest;
  }
  if (elements > 0) inbox_ = arena.alloc("step.gradient_inbox", grad, {elements});
}

std::vector<Tensor> GradientExchange::incoming(int bucket, const Tensor& grads) const {
  const Range mine = buckets_.piece(bucket, comm_.rank());
  std::vector<Tensor> places;
  int64_t next = inbox_begin_[bucket];
  for (int r = 0; r < comm_.size(); ++r) {
    if (r == comm_.rank()) {
      places.push_back(part(grads, mine));
    } else {
      places.push_back(mine.empty() ? Tensor{} : inbox_.slice(0, next, mine.size()));
      next += mine.size();
    }
  }
  return places;
}

void GradientExchange::start(int bucket, const Tensor& grads) {
  if (comm_.size() == 1) return;
  std::vector<Tensor> outgoing;
  for (const Range& piece : buckets_.pieces(bucket)) outgoing.push_back(part(grads, piece));
  comm_.start_exchange(incoming(bucket, grads), outgoing);
}

void GradientExchange::finish(const Tensor& grads) {
  if (comm_.size() == 1) return;
  comm_.finish();
  for (int b = 0; b < buckets_.count(); ++b)
    if (!buckets_.piece(b, comm_.rank()).empty()) tree_sum(ops_, incoming(b, grads), comm_.rank());
}

}  // namespace causeway
