// See timing.h.
#include "train/bench/timing.h"

#include <algorithm>

#include "core/error.h"

namespace causeway {
namespace {

/// More than the last-level cache of the processors and GPUs we know (an H200's is 50 MB).
constexpr int64_t kSweepElements = int64_t{32} << 20;  // of 4 bytes
constexpr int kMostSamples = 50;

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {.median = values[n / 2], .low = values[n / 4], .high = values[n - 1 - n / 4]};
}

Stopwatch::Stopwatch(const Runtime& runtime, Caches caches) : runtime_(runtime), caches_(caches) {
  if (caches == Caches::Warm) return;
  sweep_ = Buffer(*runtime.backend, sizeof(float) * kSweepElements);
  partials_ = Buffer(*runtime.backend, sizeof(double) * (kSweepElements / kNormChunk));
}

void Stopwatch::empty_caches() {
  if (caches_ == Caches::Warm) return;
  runtime_.backend->sum_of_squares(
      Tensor(partials_.data(), DType::F64, {kSweepElements / kNormChunk}),
      Tensor(sweep_.data(), DType::F32, {kSweepElements}));
}

double Stopwatch::once(const std::function<void()>& work, const std::function<void()>& stage) {
  if (stage) stage();
  empty_caches();
  return runtime_.seconds_of(work);
}

double Stopwatch::sample(double seconds, const std::function<void()>& work,
                         const std::function<void()>& stage) {
  std::vector<double> times;
  const double begin = now_seconds();
  do {
    times.push_back(once(work, stage));
  } while (now_seconds() - begin < seconds && times.size() < kMostSamples);
  return median(times);
}

}  // namespace causeway
