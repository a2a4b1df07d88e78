// Cross-entropy: the loss of a row of logits and, in place, its gradient. A row is read from memory
// once and stays in cache for the other passes. Read next: ../loss.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// softcap · tanh(z / softcap), or z.
struct Cap {
  float softcap;
  F operator()(F z) const { return softcap > 0 ? softcap * tanh(z / softcap) : z; }
};

template <class T>
float highest(const T* z, int64_t n, Cap cap) {
  F top[2] = {splat(-__builtin_inff()), splat(-__builtin_inff())};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    top[0] = max(top[0], load(z + i));
    top[1] = max(top[1], load(z + i + kLanes));
  }
  float rest = max(max(top[0], top[1]));
  for (; i < n; ++i) rest = load_one(z + i) > rest ? load_one(z + i) : rest;
  return cap(splat(rest))[0];  // the cap grows with z
}

/// d loss / d logit = scale · (p − [target]) · (1 − t²), t = tanh(z / softcap).
template <class T>
void gradient_row(const CrossEntropyArgs& a, T* z, int32_t target, float lse) {
  const Cap cap{a.softcap};
  const float at_target = load_one(z + target);
  const auto slope = [&](F capped, F difference) {
    if (a.softcap <= 0) return difference * a.scale;
    const F t = capped / a.softcap;
    return difference * (1.0f - t * t) * a.scale;
  };
  const F level = splat(lse);
  sweep(a.vocab, [&](int64_t i, auto part) {
    const F capped = cap(load(z + i, part));
    store(z + i, slope(capped, exp(capped - level)), part);
  });
  const F capped = cap(splat(at_target));
  store(z + target, slope(capped, exp(capped - level) - 1.0f), Part{1});
}

template <class T>
void clear(T* z, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) z[i] = 0;
}

template <class T>
void cross_entropy(const CrossEntropyArgs& a, int64_t begin, int64_t end) {
  const Cap cap{a.softcap};
  for (int64_t row = begin; row < end; ++row) {
    T* z = static_cast<T*>(a.logits) + row * a.stride;
    const int32_t target = a.targets[row];
    if (target < 0) {
      a.loss[row] = 0;
      if (a.gradient) clear(z, 0, a.stride);
      continue;
    }
    const float top = highest(z, a.vocab, cap);
    const F level = splat(top);
    const float total = sum_over(
        a.vocab, [&](int64_t i, auto part) { return exp(cap(load(z + i, part)) - level); });
    const float log_total = log(splat(total))[0];
    // (top − z) + log Σ: the two large terms cancel first.
    a.loss[row] = (top - cap(splat(load_one(z + target)))[0]) + log_total;
    if (!a.gradient) continue;
    gradient_row(a, z, target, top + log_total);
    clear(z, a.vocab, a.stride);
  }
}

}  // namespace

void fill_loss(Kernels& k) {
  k.cross_entropy[0] = cross_entropy<float>, k.cross_entropy[1] = cross_entropy<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
