// See products.h.
#include "cuda/products.h"

#include <utility>

#include "core/error.h"
#include "core/product.h"
#include "cuda/launches.h"

namespace causeway::cuda {
namespace {

/// Each of M rows is the bias: (M, N).
Tensor repeated(const Tensor& bias, int64_t rows) {
  Tensor matrix(bias.data, bias.dtype, {rows, bias.shape[0]});
  matrix.stride[0] = 0;
  return matrix;
}

/// The product without bias and epilogue. It adds to the bias, which lies in its place by then: so
/// the sum is rounded once, as in one piece.
Matmul product_alone(const Matmul& op) {
  Matmul product = op;
  if (op.bias) product.mode = GradMode::Accumulate;
  product.bias = {};
  if (op.epilogue == Epilogue::Gelu) product.y = op.pre;
  product.epilogue = Epilogue::None;
  product.pre = {};
  return product;
}

void epilogue_alone(const Matmul& op, cudaStream_t stream) {
  const auto apply = [&](const Tensor& y, const Tensor& pre) {
    if (op.epilogue == Epilogue::Gelu)
      activation_forward(Activation::Gelu, y, pre, stream);
    else
      activation_backward(Activation::Gelu, y, y, pre, stream);
  };
  if (op.y.contiguous() && op.pre.contiguous()) return apply(op.y, op.pre);
  // No layer has such rows; these kernels know dense memory alone.
  for (int64_t m = 0; m < op.y.shape[0]; ++m) apply(op.y.slice(0, m, 1), op.pre.slice(0, m, 1));
}

}  // namespace

Products::Way Products::choose(const Matmul& op) {
  std::string why = library_.prepare(op);
  if (why.empty()) return Way::Whole;
  const bool fused = op.bias || op.epilogue != Epilogue::None;
  const std::string also = fused ? library_.prepare(product_alone(op)) : why;
  if (!also.empty())
    throw Error({.id = "op.unsupported",
                 .where = "",
                 .what = fmt::format("[matmul] {} knows no way for {}: {}", ProductLibrary::name(),
                                     product_name(op), also),
                 .remedy = "sizes in multiples of 8 are served on every GPU"});
  notes_.push_back(
      fmt::format("{} does not do {} in one piece ({}): bias and activation are launches of their "
                  "own there, which is slower",
                  ProductLibrary::name(), product_name(op), why));
  return Way::Apart;
}

Products::Way Products::way(const Matmul& op) {
  const ProductKey key = key_of(op);
  if (const auto known = ways_.find(key); known != ways_.end()) return known->second;
  return ways_.emplace(key, choose(op)).first->second;
}

Matmul Products::product_of(const Matmul& op) {
  return way(op) == Way::Whole ? op : product_alone(op);
}

void Products::prepare(const Matmul& op) {
  if (op.y.numel() > 0) way(op);
}

void Products::run(const Matmul& op, void* workspace, cudaStream_t stream) {
  if (op.y.numel() == 0) return;
  if (way(op) == Way::Whole) return library_.run(op, workspace, stream);
  const Matmul product = product_alone(op);
  if (op.bias) copy_strided(product.y, repeated(op.bias, op.y.shape[0]), stream);
  library_.run(product, workspace, stream);
  if (op.epilogue != Epilogue::None) epilogue_alone(op, stream);
}

std::vector<GemmAlgorithm> Products::algorithms(const Matmul& op, int most) {
  if (op.y.numel() == 0) return {};
  return library_.algorithms(product_of(op), most);
}

bool Products::use(const Matmul& op, const GemmAlgorithm& algorithm) {
  return library_.use(product_of(op), algorithm);
}

GemmKey Products::key(const Matmul& op) { return library_.key(product_of(op)); }

std::vector<std::string> Products::take_warnings() {
  std::vector<std::string> all = library_.take_warnings();
  for (std::string& note : std::exchange(notes_, {})) all.push_back(std::move(note));
  return all;
}

}  // namespace causeway::cuda
