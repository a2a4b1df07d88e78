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
constexpr int64_t kNumbers = int64_t{1} << 20;  ///< of a matmul's operands; repeated

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

MatmulShape peak_shape(const Runtime& runtime) {
  return runtime.gpu.empty() ? MatmulShape{1536, 1536, 1536} : MatmulShape{8192, 8192, 8192};
}

double peak_seconds(const Runtime& runtime) { return runtime.gpu.empty() ? 0.04 : 0.004; }

MatmulTimer::MatmulTimer(const Runtime& runtime, DType dtype, const MatmulShape& shape)
    : runtime_(runtime), shape_(shape) {
  Backend& ops = *runtime.backend;
  const int64_t a = shape.M * shape.K, b = shape.N * shape.K, y = shape.M * shape.N;
  const size_t size = dtype_size(dtype);
  memory_ = Buffer(ops, static_cast<size_t>(a + b + y) * size);
  const Tensor all(memory_.data(), dtype, {a + b + y});
  // Any ordinary numbers: zeros or denormals would not be timed like a model's.
  std::vector<float> numbers(std::min(a + b, kNumbers));
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i % 17) * 0.05f - 0.4f;
  const std::vector<std::byte> bytes = convert(numbers, dtype);
  for (int64_t at = 0; at < a + b; at += kNumbers)
    ops.upload(all.slice(0, at, std::min(a + b - at, kNumbers)), bytes.data());
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
