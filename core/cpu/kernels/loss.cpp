// Cross-entropy: the loss of a row of logits and, in place, its gradient. A row is read from memory
// once and stays in cache for the gradient. Read next: ../loss.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// What stands between a logit and the softmax, and its slope where it gave `capped`.
struct Uncapped {
  F operator()(F z) const { return z; }
  F slope(F) const { return splat(1.0f); }
};
struct Cap {
  float softcap;
  F operator()(F z) const { return softcap * tanh(z / softcap); }
  F slope(F capped) const {
    const F t = capped / softcap;
    return 1.0f - t * t;
  }
};

template <class T>
float highest(const T* z, int64_t n) {
  F top[2] = {splat(-__builtin_inff()), splat(-__builtin_inff())};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    top[0] = max(top[0], load(z + i));
    top[1] = max(top[1], load(z + i + kLanes));
  }
  float rest = max(max(top[0], top[1]));
  for (; i < n; ++i) rest = load_one(z + i) > rest ? load_one(z + i) : rest;
  return rest;
}

template <class T>
void clear(T* z, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) z[i] = 0;
}

/// Of a row: Σ e^z = total · e^level. Everywhere below, the level is subtracted first: near it that
/// is exact, however large the logits are.
struct Normaliser {
  float level, total;
};

/// A row's one pass over memory. Any level near the highest logit serves; when a block outgrows it
/// by kHeadroom, the level is raised to the block's highest and the block added anew (Milakov &
/// Gimelshein 2018, arXiv:1805.02867).
template <class T, class Capping>
Normaliser normalise(const T* z, int64_t n, Capping cap) {
  constexpr int64_t kBlock = 2048;  // stays in the first-level cache
  constexpr float kHeadroom = 6, kLargest = 3.4028235e38f;
  const auto level_of = [&](const T* block, int64_t size) {
    const F top = cap(splat(highest(block, size)));  // the cap grows with z
    return max(splat(-kLargest), top)[0];            // finite: no ∞ − ∞ where all are −∞
  };
  Normaliser sum{level_of(z, n < kBlock ? n : kBlock), 0};
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t size = n - begin < kBlock ? n - begin : kBlock;
    F excess{};
    const auto total = [&] {
      const F level = splat(sum.level);
      return sum_over(size, [&](int64_t i, auto part) {
        const F above = cap(load(z + begin + i, part)) - level;
        excess = max(excess, keep(above, part));
        return exp2(above * kLog2E);
      });
    };
    float added = total();
    if (max(excess) > kHeadroom) {
      const float old = sum.level;
      sum.level = level_of(z + begin, size);
      sum.total *= exp2(splat((old - sum.level) * kLog2E))[0];
      added = total();
    }
    sum.total += added;
  }
  return sum;
}

template <class T, class Capping>
float row_loss(const CrossEntropyArgs& a, T* z, int32_t target, Capping cap) {
  const Normaliser sum = normalise(z, a.vocab, cap);
  const F level = splat(sum.level), log_total = log(splat(sum.total));
  const F at_target = cap(splat(load_one(z + target)));
  const F loss = (level - at_target) + log_total;
  if (!a.gradient) return loss[0];

  // In place: d loss / d logit = scale · (p − [target]) · slope of the cap.
  const F log2_total = log_total * kLog2E, scale = splat(a.scale);
  const auto probability = [&](F capped) {
    return exp2(fma(capped - level, splat(kLog2E), -log2_total));
  };
  sweep(a.vocab, [&](int64_t i, auto part) {
    const F capped = cap(load(z + i, part));
    store(z + i, probability(capped) * (scale * cap.slope(capped)), part);
  });
  store(z + target, (probability(at_target) - 1.0f) * scale * cap.slope(at_target), Part{1});
  clear(z, a.vocab, a.stride);
  return loss[0];
}

template <class T>
void cross_entropy(const CrossEntropyArgs& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    T* z = static_cast<T*>(a.logits) + row * a.stride;
    const int32_t target = a.targets[row];
    if (target < 0) {
      a.loss[row] = 0;
      if (a.gradient) clear(z, 0, a.stride);
    } else if (a.softcap > 0) {
      a.loss[row] = row_loss(a, z, target, Cap{a.softcap});
    } else {
      a.loss[row] = row_loss(a, z, target, Uncapped{});
    }
  }
}

}  // namespace

void fill_loss(Kernels& k) {
  k.cross_entropy[0] = cross_entropy<float>, k.cross_entropy[1] = cross_entropy<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
