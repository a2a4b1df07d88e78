// See roof.h.
#include "train/bench/roof.h"

#include <algorithm>

namespace causeway {
namespace {
constexpr double kSeconds = 0.04;  // of each measurement
}  // namespace

double Roof::seconds(double f, double b) const { return std::max(f / flops, b / bytes); }

RoofTimer::RoofTimer(const Runtime& runtime, DType dtype)
    : runtime_(runtime),
      matmul_(runtime, dtype, kPeakShape),
      from_(*runtime.backend, sizeof(float) * kCopyElements),
      to_(*runtime.backend, sizeof(float) * kCopyElements) {
  // Fresh memory that is only read is one page of zeros, which stays in cache: all has to be
  // written first.
  for (const Buffer* side : {&from_, &to_})
    runtime.backend->zero(Tensor(side->data(), DType::F32, {kCopyElements}));
}

Roof RoofTimer::measure() {
  const Tensor from(from_.data(), DType::F32, {kCopyElements}),
      to(to_.data(), DType::F32, {kCopyElements});
  Stopwatch stopwatch(runtime_, Caches::Warm);
  const double copy = stopwatch.sample(kSeconds, [&] { runtime_.backend->copy(to, from); });
  return {.flops = matmul_.rate(kSeconds), .bytes = kBytes / copy};
}

}  // namespace causeway
