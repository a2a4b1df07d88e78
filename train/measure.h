// How fast this machine multiplies matrices: the yardstick of `bench` and of the status line.
#pragma once
#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace causeway {

struct MatmulShape {
  int64_t M, N, K;
  double flops() const { return 2.0 * static_cast<double>(M) * N * K; }
};

struct Runtime;

/// Times matmuls of one shape; owns the operands.
class MatmulTimer {
 public:
  MatmulTimer(const Runtime& runtime, DType dtype, const MatmulShape& shape);
  /// FLOP/s over at least `seconds` of the device's time.
  double rate(double seconds);

 private:
  const Runtime& runtime_;
  MatmulShape shape_;
  Buffer memory_;
  Matmul op_;
};

/// A square product large enough for the device: what it can do when nothing else is in the way.
MatmulShape peak_shape(const Runtime& runtime);
/// How long it is measured beside other work. A burst on GPUs: one that multiplies for 40 ms meets
/// its power limit, and what is timed next is slower (docs/log.md).
double peak_seconds(const Runtime& runtime);

/// The middle one; the upper of two. `values` is not empty.
double median(std::vector<double> values);

/// Seconds on a clock that never goes back.
double now_seconds();

/// Peak resident memory of this process in bytes, and what is resident now; 0 where the system does
/// not tell.
int64_t peak_resident_bytes();
int64_t resident_bytes();

}  // namespace causeway
