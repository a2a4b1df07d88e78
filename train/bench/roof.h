// What this machine can do at most: a large matmul and a large copy, measured in every round beside
// the work that is held against them. Williams et al. 2009, "Roofline". Read next: kernel_bench.h.
#pragma once
#include "train/bench/timing.h"
#include "train/measure.h"

namespace causeway {

struct Roof {
  double flops = 0;  ///< FLOP/s of a square matmul in the dtype at hand
  double bytes = 0;  ///< bytes/s of a copy, each byte counted once read and once written
  double small = 0;  ///< the same of a copy of half a MiB, with caches as for the rows

  /// The least time that so many operations and bytes can take.
  double seconds(double f, double b) const;
  /// Which of the two bounds them.
  const char* bound(double f, double b) const { return f / flops > b / bytes ? "matmul" : "copy"; }
};

class RoofTimer {
 public:
  RoofTimer(const Runtime& runtime, DType dtype, Caches caches);
  Roof measure();

 private:
  /// Bytes/s of copying so many elements.
  double copy(Stopwatch& stopwatch, int64_t elements, double seconds);

  const Runtime& runtime_;
  MatmulTimer matmul_;
  Stopwatch warm_, as_rows_;
  Buffer from_, to_;
};

}  // namespace causeway
