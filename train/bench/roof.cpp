// See roof.h.
#include "train/bench/roof.h"

#include <algorithm>

namespace causeway {
namespace {
constexpr int64_t kCopyElements = int64_t{32} << 20;  // of 4 bytes: beyond any cache
constexpr int64_t kSmallElements = int64_t{1} << 17;  // as a norm of a few hundred rows
constexpr double kSeconds = 0.04, kSmallSeconds = 0.03;  // of each measurement
}  // namespace

double Roof::seconds(double f, double b) const { return std::max(f / flops, b / bytes); }

RoofTimer::RoofTimer(const Runtime& runtime, DType dtype, Caches caches)
    : runtime_(runtime),
      matmul_(runtime, dtype, kPeakShape),
      warm_(runtime, Caches::Warm),
      as_rows_(runtime, caches),
      from_(*runtime.backend, sizeof(float) * kCopyElements),
      to_(*runtime.backend, sizeof(float) * kCopyElements) {
  measure();  // the first copy into fresh memory also maps its pages
}

double RoofTimer::copy(Stopwatch& stopwatch, int64_t elements, double seconds) {
  const Tensor from(from_.data(), DType::F32, {elements}), to(to_.data(), DType::F32, {elements});
  const double once = stopwatch.sample(
      seconds, [&] { runtime_.backend->copy(to, from); }, {from, to});
  return 2.0 * sizeof(float) * static_cast<double>(elements) / once;
}

Roof RoofTimer::measure() {
  return {.flops = matmul_.rate(kSeconds),
          .bytes = copy(warm_, kCopyElements, kSeconds),
          .small = copy(as_rows_, kSmallElements, kSmallSeconds)};
}

}  // namespace causeway
