// How long a piece of work takes on a machine that is never quiet: medians with their spread, cold
// caches, and rounds, so that a disturbance hits all that is compared alike. Read next: roof.h.
#pragma once
#include <functional>
#include <vector>

#include "core/buffer.h"
#include "train/measure.h"
#include "train/runtime.h"
#include "train/terminal.h"

namespace causeway {

/// A median and the quarter and three-quarter marks around it, of any unit.
struct Spread {
  double median = 0, low = 0, high = 0;

  /// Half the middle half, as a share of the median: robust against single outliers.
  double noise() const { return median > 0 ? (high - low) / (2 * median) : 0; }
};
Spread spread_of(std::vector<double> values);

/// Memory of zeros that is its own: fresh memory that is only read is one page, which stays in
/// cache.
Buffer written_buffer(Backend& ops, size_t bytes);

/// Whether operands may still lie in a cache from the run before.
enum class Caches : uint8_t { Cold, Warm };

class Stopwatch {
 public:
  Stopwatch(const Runtime& runtime, Caches caches);

  /// The median seconds of `work`, of as many as fit `seconds`, at least one and at most 50.
  /// `stage` (may be empty) goes before each, then `operands` leave the caches: neither is counted.
  double sample(double seconds, const std::function<void()>& work,
                const std::vector<Tensor>& operands = {}, const std::function<void()>& stage = {});

 private:
  void empty_caches(const std::vector<Tensor>& operands);

  const Runtime& runtime_;
  Caches caches_;
  Buffer sweep_, partials_;  // what is read to drive everything else out, where nothing is flushed
};

}  // namespace causeway
