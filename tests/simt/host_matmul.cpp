// The products of the emulated CUDA backend: plain loops that sum in f32 and round where cuBLASLt
// does. See cuda/matmul.h.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "core/error.h"
#include "core/product.h"
#include "cuda/matmul.h"
#include "tests/simt/device_memory.h"
#include "tests/simt/engine.h"
#include "tests/simt/host_matmul.h"

namespace causeway::cuda {
namespace {

float read(const Tensor& t, int64_t row, int64_t column) {
  const int64_t at = row * t.stride[0] + column;
  return t.dtype == DType::BF16 ? float(static_cast<const bf16*>(t.data)[at])
                                : static_cast<const float*>(t.data)[at];
}
void write(const Tensor& t, int64_t row, int64_t column, float value) {
  const int64_t at = row * t.stride[0] + column;
  if (t.dtype == DType::BF16)
    static_cast<bf16*>(t.data)[at] = bf16(value);
  else
    static_cast<float*>(t.data)[at] = value;
}

/// op(t) with dense rows of f32.
std::vector<float> dense(const Tensor& t, Transpose transpose) {
  const bool turned = transpose == Transpose::Yes;
  const int64_t rows = t.shape[turned], columns = t.shape[!turned];
  std::vector<float> out(rows * columns);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      out[r * columns + c] = turned ? read(t, c, r) : read(t, r, c);
  return out;
}

float sigmoid(float z) { return 1 / (1 + std::exp(-z)); }
constexpr float kSlope = 1.5957691216057308f, kCubic = 0.044715f;  // 2√(2/π): the tanh form
float gelu(float x) { return x * sigmoid(kSlope * (x + kCubic * x * x * x)); }
float gelu_slope(float x) {
  const float z = kSlope * (x + kCubic * x * x * x), s = sigmoid(z);
  return s + x * s * sigmoid(-z) * kSlope * (1 + 3 * kCubic * x * x);
}

void finish(const Matmul& op, int64_t m, int64_t n, float product) {
  if (op.bias) product += read(op.bias.view({1, op.bias.shape[0]}), 0, n);
  if (op.mode == GradMode::Accumulate) product += read(op.y, m, n);
  if (op.epilogue == Epilogue::Gelu) {
    write(op.pre, m, n, product);
    product = gelu(product);
  }
  if (op.epilogue == Epilogue::GeluBackward) product *= gelu_slope(read(op.pre, m, n));
  write(op.y, m, n, product);
}

void multiply(const Matmul& op) {
  const int64_t M = op.y.shape[0], N = op.y.shape[1];
  const std::vector<float> a = dense(op.a, op.a_transpose);  // (M, K)
  const std::vector<float> b = dense(op.b, op.b_transpose);  // (K, N)
  const int64_t K = op.a.shape[op.a_transpose == Transpose::No];
  std::vector<float> row(N);
  for (int64_t m = 0; m < M; ++m) {
    row.assign(N, 0);
    for (int64_t k = 0; k < K; ++k)
      for (int64_t n = 0; n < N; ++n) row[n] += a[m * K + k] * b[k * N + n];
    for (int64_t n = 0; n < N; ++n) finish(op, m, n, row[n]);
  }
}

}  // namespace

KnownProducts& known_products() {
  static KnownProducts known = KnownProducts::All;
  return known;
}

/// The emulated library has four algorithms, by their first word; they differ in the time that they
/// claim. The last one wants more memory than there is.
constexpr double kClaims[] = {3e-6, 1e-6, 2e-6, 0};
constexpr uint64_t kRefused = 3;

struct ProductLibrary::Plans {
  std::map<std::string, GemmAlgorithm> chosen;  ///< by the product's name; the first, where missing
};
ProductLibrary::ProductLibrary() : plans_(std::make_unique<Plans>()) {}
ProductLibrary::~ProductLibrary() = default;
size_t ProductLibrary::workspace_bytes() { return 0; }
std::string ProductLibrary::name() { return "plain loops 1"; }
std::string ProductLibrary::prepare(const Matmul& op) {
  const bool plain = op.epilogue == Epilogue::None && !op.bias;
  const bool knows =
      known_products() == KnownProducts::All || (plain && known_products() == KnownProducts::Plain);
  return knows ? "" : "told to refuse";
}

std::vector<GemmAlgorithm> ProductLibrary::algorithms(const Matmul&, int most) {
  std::vector<GemmAlgorithm> list;
  for (uint64_t i = 0; i < std::min<uint64_t>(most, std::size(kClaims)); ++i) list.push_back({i});
  return list;
}
bool ProductLibrary::use(const Matmul& op, const GemmAlgorithm& algorithm) {
  if (algorithm[0] == kRefused) return false;
  plans_->chosen[product_name(op)] = algorithm;
  return true;
}
GemmKey ProductLibrary::key(const Matmul& op) const {
  return {.gpu = device_name(), .library = name(), .product = product_name(op)};
}
std::vector<std::string> ProductLibrary::take_warnings() { return {}; }

void ProductLibrary::run(const Matmul& op, void*, cudaStream_t stream) {
  CHECK(prepare(op).empty(), "{} was refused and is run", product_name(op));
  const double claim = kClaims[plans_->chosen[product_name(op)][0]];
  simt::enqueue(stream, nullptr, [claim, op] {
    device_seconds() += claim;
    multiply(op);
  });
}

}  // namespace causeway::cuda
