// Cross-entropy: the loss of a row of logits and, in place, its gradient. A row is read from memory
// once, and its exponentials stay in cache for the gradient. Read next: ../loss.cpp.
#include "core/cpu/kernels/fill.h"
#include "core/cpu/simd_math.h"
#include "core/cpu/simd_pairs.h"

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
void clear(T* z, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) z[i] = 0;
}

constexpr float kLowest = -3.4028235e38f;  // finite: no ∞ − ∞ where all logits are −∞

template <class T>
float highest(const T* z, int64_t n) {
  F top[4] = {splat(kLowest), splat(kLowest), splat(kLowest), splat(kLowest)};
  int64_t i = 0;
  for (; i + 2 * kPairLanes <= n; i += 2 * kPairLanes) {
    const FPair left = load(z + i, Two{}), right = load(z + i + kPairLanes, Two{});
    top[0] = max(top[0], left.a);
    top[1] = max(top[1], left.b);
    top[2] = max(top[2], right.a);
    top[3] = max(top[3], right.b);
  }
  float rest = max(max(max(top[0], top[1]), max(top[2], top[3])));
  for (; i < n; ++i) rest = load_one(z + i) > rest ? load_one(z + i) : rest;
  return rest;
}

float power(float x) { return exp2(splat(x * kLog2E))[0]; }

/// A row, in blocks that stay in the first-level cache. The level is the highest logit so far, and
/// is subtracted first: near it that is exact, however large the logits are.
template <class T, class Capping>
class Row {
 public:
  /// `powers` keeps a float for each logit; it may be the logits' own memory.
  Row(T* z, int64_t n, Capping cap, float* powers) : z_(z), n_(n), cap_(cap), powers_(powers) {}

  /// log Σ e^z is level() + log(total()) from here on (Milakov & Gimelshein 2018,
  /// arXiv:1805.02867). With kKeep the powers e^(z − level) are kept, times the slope of the cap.
  template <bool kKeep>
  void normalise() {
    for (int64_t b = 0; b * block_ < n_; ++b) {
      const float top = cap_(splat(highest(z_ + b * block_, size(b))))[0];
      if (top > level_) {
        total_ *= power(level_ - top);
        level_ = top;
      }
      level_of_block_[b] = level_;
      total_ += sum_of_powers<kKeep>(z_ + b * block_, powers_ + b * block_, size(b));
    }
  }
  float level() const { return level_; }
  float total() const { return total_; }

  /// scale · (softmax of z) · slope of the cap, from the powers that were kept.
  void gradient(float scale) const {
    for (int64_t b = 0; b * block_ < n_; ++b) {
      const F factor = splat(scale / total_ * power(level_of_block_[b] - level_));
      T* z = z_ + b * block_;
      const float* e = powers_ + b * block_;
      sweep_pairs(size(b), [&](int64_t i, auto part) {
        store(z + i, each([&](F kept) { return kept * factor; }, load(e + i, part)), part);
      });
    }
  }

 private:
  static constexpr int64_t kMostBlocks = 64, kLeastBlock = 8192 / sizeof(T);

  int64_t size(int64_t b) const { return b * block_ + block_ <= n_ ? block_ : n_ - b * block_; }

  template <bool kKeep>
  float sum_of_powers(const T* z, float* e, int64_t n) const {
    PairSum sum;
    sweep_pairs(n, [&](int64_t i, auto part) {
      prefetch(z + block_ + i, part);
      const auto capped = each(cap_, load(z + i, part));
      const auto terms = each([&](F c) { return exp2((c - splat(level_)) * kLog2E); }, capped);
      sum.add(terms, part);
      if constexpr (kKeep)
        store(e + i, each([&](F c, F term) { return term * cap_.slope(c); }, capped, terms), part);
    });
    return sum.total();
  }

  T* z_;
  int64_t n_;
  Capping cap_;
  float* powers_;
  // Whole pairs, and as many as it takes for kMostBlocks to hold the row.
  int64_t block_ = n_ <= kMostBlocks * kLeastBlock
                       ? kLeastBlock
                       : (n_ / kMostBlocks / kPairLanes + 1) * kPairLanes;
  float level_of_block_[kMostBlocks];
  float level_ = kLowest, total_ = 0;
};

float* powers_of(float* z, float*) { return z; }
float* powers_of(b16*, float* scratch) { return scratch; }

template <class T, class Capping>
float row_loss(const CrossEntropyArgs& a, T* z, int32_t target, float* powers, Capping cap) {
  const F at_target = cap(splat(load_one(z + target)));
  Row<T, Capping> row(z, a.vocab, cap, powers);
  if (a.gradient) {
    row.template normalise<true>();
  } else {
    row.template normalise<false>();
  }
  const F level = splat(row.level()), log_total = log(splat(row.total()));
  if (a.gradient) {  // in place: d loss / d logit = scale · (p − [target]) · slope of the cap
    row.gradient(a.scale);
    const F p = exp2(((at_target - level) - log_total) * kLog2E);
    store(z + target, (p - 1.0f) * a.scale * cap.slope(at_target), Part{1});
    clear(z, a.vocab, a.stride);
  }
  return ((level - at_target) + log_total)[0];
}

template <class T>
void cross_entropy(const CrossEntropyArgs& a, int64_t begin, int64_t end, float* scratch) {
  for (int64_t row = begin; row < end; ++row) {
    T* z = static_cast<T*>(a.logits) + row * a.stride;
    const int32_t target = a.targets[row];
    if (target < 0) {
      a.loss[row] = 0;
      if (a.gradient) clear(z, 0, a.stride);
    } else if (a.softcap > 0) {
      a.loss[row] = row_loss(a, z, target, powers_of(z, scratch), Cap{a.softcap});
    } else {
      a.loss[row] = row_loss(a, z, target, powers_of(z, scratch), Uncapped{});
    }
  }
}

}  // namespace

void fill_loss(Kernels& k) {
  k.cross_entropy[0] = cross_entropy<float>, k.cross_entropy[1] = cross_entropy<b16>;
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
