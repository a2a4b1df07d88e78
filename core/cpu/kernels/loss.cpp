// Cross-entropy: the loss of a row of logits and, in place, its gradient. A row is read from memory
// once and stays in cache for the other passes, like its exponentials, which are made once. Read
// next: ../loss.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

/// What stands between a logit and the softmax, and its slope there: of what was kept as number i.
struct Uncapped {
  F operator()(F z) const { return z; }
  void keep(int64_t, F, auto) const {}
  F slope(int64_t, auto) const { return splat(1.0f); }
};
struct Cap {
  float softcap;
  float* kept;  // (vocab) capped logits: a tanh costs as much as the exponential
  F operator()(F z) const { return softcap * tanh(z / softcap); }
  void keep(int64_t i, F capped, auto part) const { store(kept + i, capped, part); }
  F slope(int64_t i, auto part) const {
    const F t = load(kept + i, part) / softcap;
    return 1.0f - t * t;
  }
};

template <class T, class Capping>
float highest(const T* z, int64_t n, Capping cap) {
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

template <class T>
void clear(T* z, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) z[i] = 0;
}

/// The loss of a row. In place, if wanted, d loss / d logit = scale · (e / total − [target]) ·
/// slope with e = exp(logit − top).
template <class T, class Capping>
float row_loss(const CrossEntropyArgs& a, T* z, int32_t target, Capping cap, float* e) {
  const float top = highest(z, a.vocab, cap);
  const F level = splat(top);
  const float total = sum_over(a.vocab, [&](int64_t i, auto part) {
    const F capped = cap(load(z + i, part)), value = exp(capped - level);
    cap.keep(i, capped, part);
    store(e + i, value, part);
    return value;
  });
  // (top − z) + log Σ: the two large terms cancel first.
  const float loss = (top - cap(splat(load_one(z + target)))[0]) + log(splat(total))[0];
  if (!a.gradient) return loss;
  e[target] -= total;
  const float by_total = a.scale / total;
  sweep(a.vocab, [&](int64_t i, auto part) {
    store(z + i, load(e + i, part) * by_total * cap.slope(i, part), part);
  });
  clear(z, a.vocab, a.stride);
  return loss;
}

template <class T>
void cross_entropy(const CrossEntropyArgs& a, int64_t begin, int64_t end, float* e) {
  for (int64_t row = begin; row < end; ++row) {
    T* z = static_cast<T*>(a.logits) + row * a.stride;
    const int32_t target = a.targets[row];
    if (target < 0) {
      a.loss[row] = 0;
      if (a.gradient) clear(z, 0, a.stride);
    } else if (a.softcap > 0) {
      a.loss[row] = row_loss(a, z, target, Cap{a.softcap, e + a.vocab}, e);
    } else {
      a.loss[row] = row_loss(a, z, target, Uncapped{}, e);
    }
  }
}

}  // namespace

void fill_loss(Kernels& k) {
  k.cross_entropy[0] = cross_entropy<float>, k.cross_entropy[1] = cross_entropy<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
