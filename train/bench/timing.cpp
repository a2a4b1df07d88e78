// See timing.h.
#include "train/bench/timing.h"

#include <algorithm>

#include "core/error.h"

namespace causeway {
namespace {

/// More than the last-level cache of the GPUs we know (an H200's is 50 MB).
constexpr int64_t kSweepElements = int64_t{32} << 20;  // of 4 bytes
constexpr int kMostSamples = 50;

#if defined(__x86_64__)
constexpr bool kFlushes = true;
#else
constexpr bool kFlushes = false;
#endif

/// Drives memory of the host out of all caches. Reading other memory instead does not: a virtual
/// machine is not told how large its host's last-level cache is (docs/log.md).
void flush([[maybe_unused]] const Tensor& memory) {
#if defined(__x86_64__)
  const auto* const first = static_cast<const char*>(memory.data);
  const int64_t bytes = memory.numel() * static_cast<int64_t>(dtype_size(memory.dtype));
  for (int64_t at = 0; at < bytes; at += 64) __builtin_ia32_clflush(first + at);
  __builtin_ia32_mfence();
#endif
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {.median = values[n / 2], .low = values[n / 4], .high = values[n - 1 - n / 4]};
}

Buffer written_buffer(Backend& ops, size_t bytes) {
  Buffer buffer(ops, bytes);
  ops.zero(Tensor(buffer.data(), DType::F32, {static_cast<int64_t>(bytes / sizeof(float))}));
  return buffer;
}

Stopwatch::Stopwatch(const Runtime& runtime, Caches caches) : runtime_(runtime), caches_(caches) {
  if (caches == Caches::Warm || (runtime.on_host_memory && kFlushes)) return;
  sweep_ = written_buffer(*runtime.backend, sizeof(float) * kSweepElements);
  partials_ = Buffer(*runtime.backend, sizeof(double) * (kSweepElements / kNormChunk));
}

void Stopwatch::empty_caches(const std::vector<Tensor>& operands) {
  if (caches_ == Caches::Warm) return;
  if (sweep_.bytes() == 0) {
    for (const Tensor& memory : operands) flush(memory);
    return;
  }
  runtime_.backend->sum_of_squares(
      Tensor(partials_.data(), DType::F64, {kSweepElements / kNormChunk}),
      Tensor(sweep_.data(), DType::F32, {kSweepElements}));
}

double Stopwatch::sample(double seconds, const std::function<void()>& work,
                         const std::vector<Tensor>& operands, const std::function<void()>& stage) {
  std::vector<double> times;
  const double begin = now_seconds();
  do {
    if (stage) stage();
    empty_caches(operands);
    times.push_back(runtime_.seconds_of(work));
  } while (now_seconds() - begin < seconds && times.size() < kMostSamples);
  return median(times);
}

}  // namespace causeway
