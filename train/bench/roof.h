// What this machine does at work that is all arithmetic or all memory: a large matmul and a large
// copy, measured in every round beside the work that is held against them. Williams et al. 2009,
// "Roofline". Read next: kernel_bench.h.
#pragma once
#include "train/bench/timing.h"
#include "train/measure.h"

namespace causeway {

struct Roof {
  double flops = 0;  ///< FLOP/s of a square matmul in the dtype at hand
  double bytes = 0;  ///< bytes/s of a copy, each byte counted once read and once written

  /// The least time that so many operations and bytes can take.
  double seconds(double f, double b) const;
  /// Which of the two bounds them.
  const char* bound(double f, double b) const { return f / flops > b / bytes ? "matmul" : "copy"; }
};

class RoofTimer {
 public:
  static constexpr int64_t kCopyElements = int64_t{32} << 20;  ///< of 4 bytes: beyond any cache
  static constexpr double kCopyBytes = 2.0 * sizeof(float) * kCopyElements;
  /// Of memory, for its copy and its matmul.
  static double bytes_needed(const Runtime& runtime, DType dtype);

  RoofTimer(const Runtime& runtime, DType dtype);
  Roof measure();

 private:
  const Runtime& runtime_;
  MatmulTimer matmul_;
  Buffer from_, to_;
};

}  // namespace causeway
