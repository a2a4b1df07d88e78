// See measure.h.
#include "train/measure.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

#include "core/convert.h"
#include "train/runtime.h"

namespace causeway {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double now_seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

namespace {
/// A figure of /proc/self/status, which gives kB.
int64_t status_bytes(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1)) * 1024;
  return 0;
}
}  // namespace

int64_t peak_resident_bytes() { return status_bytes("VmHWM"); }
int64_t resident_bytes() { return status_bytes("VmRSS"); }

void fill_for_timing(Backend& ops, const Tensor& all) {
  constexpr int64_t kPiece = int64_t{1} << 20;
  std::vector<float> numbers(std::min(all.numel(), kPiece));
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i * 7919 % 1013) * 1e-3f - 0.5f;
  const std::vector<std::byte> bytes = convert(numbers, all.dtype);
  for (int64_t at = 0; at < all.numel(); at += kPiece)
    ops.upload(all.slice(0, at, std::min(kPiece, all.numel() - at)), bytes.data());
}

MatmulShape square_within(int64_t side, DType dtype, int64_t free) {
  constexpr int64_t kLeastSide = 256;
  const auto square = [](int64_t n) { return MatmulShape{n, n, n}; };
  while (free > 0 && square(side).bytes(dtype) > free && side > kLeastSide) side /= 2;
  return square(side);
}

MatmulShape peak_shape(const Runtime& runtime, DType dtype) {
  // What the offer counts of the backend's own scratch is taken already.
  const auto scratch = static_cast<int64_t>(runtime.backend->scratch_bytes());
  const int64_t free = memory_offer(runtime).bytes;
  return square_within(runtime.yardstick.side, dtype,
                       free > 0 ? std::max<int64_t>(1, free - scratch) : 0);
}

double measure_peak(const Runtime& runtime, DType dtype) {
  constexpr int kTimes = 3;
  MatmulTimer timer(runtime, dtype, peak_shape(runtime, dtype));
  std::vector<double> rates;
  for (int i = 0; i < kTimes; ++i) rates.push_back(timer.rate(runtime.yardstick.seconds));
  return median(rates);
}

MatmulTimer::MatmulTimer(const Runtime& runtime, DType dtype, const MatmulShape& shape)
    : runtime_(runtime), shape_(shape) {
  Backend& ops = *runtime.backend;
  const int64_t a = shape.M * shape.K, b = shape.N * shape.K, y = shape.M * shape.N;
  memory_ = Buffer(ops, static_cast<size_t>(shape.bytes(dtype)));
  const Tensor all(memory_.data(), dtype, {a + b + y});
  fill_for_timing(ops, all.slice(0, 0, a + b));
  op_ = {.y = all.slice(0, a + b, y).view({shape.M, shape.N}),
         .a = all.slice(0, 0, a).view({shape.M, shape.K}),
         .b = all.slice(0, a, b).view({shape.N, shape.K}),
         .b_transpose = Transpose::Yes};
  ops.prepare(op_);
  ops.matmul(op_);
}

double MatmulTimer::rate(double seconds) {
  double elapsed = 0;
  int64_t runs = 0;
  // More and more at once: a GPU is then never without the next one.
  for (int64_t at_once = 1; runs == 0 || elapsed < seconds; at_once *= 2) {
    elapsed += runtime_.seconds_of([&] {
      for (int64_t i = 0; i < at_once; ++i) runtime_.backend->matmul(op_);
    });
    runs += at_once;
  }
  return static_cast<double>(runs) * shape_.flops() / elapsed;
}

}  // namespace causeway
