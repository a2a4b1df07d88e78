// How fast this machine multiplies matrices: the yardstick of `bench` and of the status line.
#pragma once
#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace causeway {

struct MatmulShape {
  int64_t M, N, K;
  double flops() const { return 2.0 * static_cast<double>(M) * N * K; }
  /// Of its operands and results.
  int64_t bytes(DType dtype) const {
    return (M * K + N * K + M * N) * static_cast<int64_t>(dtype_size(dtype));
  }
};

struct Runtime;

/// Numbers like a model's into a dense tensor: zeros or denormals would not be timed like them.
void fill_for_timing(Backend& ops, const Tensor& all);

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

/// A square of `side`, halved until its operands fit `free` bytes; 0: not known.
MatmulShape square_within(int64_t side, DType dtype, int64_t free);
/// The device's yardstick, or what of it fits the memory that is free.
MatmulShape peak_shape(const Runtime& runtime, DType dtype);
/// FLOP/s of it: the middle of some measurements, each as long as the yardstick says.
double measure_peak(const Runtime& runtime, DType dtype);

/// The middle one; the upper of two. `values` is not empty.
double median(std::vector<double> values);

/// Seconds on a clock that never goes back.
double now_seconds();

/// Peak resident memory of this process in bytes, and what is resident now; 0 where the system does
/// not tell.
int64_t peak_resident_bytes();
int64_t resident_bytes();

}  // namespace causeway
