// See roof.h.
#include "train/bench/roof.h"

#include <algorithm>

#include "train/runtime.h"

namespace causeway {
namespace {
constexpr double kCopySeconds = 0.04;
}  // namespace

double RoofTimer::bytes_needed(const Runtime& runtime, DType dtype) {
  return kCopyBytes + static_cast<double>(peak_shape(runtime, dtype).bytes(dtype));
}

double Roof::seconds(double f, double b) const { return std::max(f / flops, b / bytes); }

RoofTimer::RoofTimer(const Runtime& runtime, DType dtype)
    : runtime_(runtime),
      matmul_(runtime, dtype, peak_shape(runtime, dtype)),
      from_(written_buffer(*runtime.backend, sizeof(float) * kCopyElements)),
      to_(written_buffer(*runtime.backend, sizeof(float) * kCopyElements)) {}

Roof RoofTimer::measure() {
  const Tensor from(from_.data(), DType::F32, {kCopyElements}),
      to(to_.data(), DType::F32, {kCopyElements});
  Stopwatch stopwatch(runtime_, Caches::Warm);
  const double copy = stopwatch.sample(kCopySeconds, [&] { runtime_.backend->copy(to, from); });
  return {.flops = matmul_.rate(runtime_.yardstick.seconds), .bytes = kCopyBytes / copy};
}

}  // namespace causeway
