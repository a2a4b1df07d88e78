// Matrix products of the CUDA backend, all but d_bias: by the library in one piece, or where it
// knows no way to fuse bias and epilogue, by the library's plain product and kernels of ours around
// it. Which of the two is decided once for each plan. Read next: products.cpp, matmul.h.
#pragma once
#include <map>

#include "cuda/matmul.h"
#include "cuda/product_key.h"

namespace causeway::cuda {

class Products {
 public:
  /// Makes the plan for these shapes, touching no data.
  /// Throws Error "op.unsupported" when the library does not even know the plain product.
  void prepare(const Matmul& op);
  /// Asynchronous. `workspace`: ProductLibrary::workspace_bytes() bytes, 256-byte aligned.
  void run(const Matmul& op, void* workspace, cudaStream_t stream);

  /// As of the library, for the product that it computes of `op`. For tune.h.
  std::vector<GemmAlgorithm> algorithms(const Matmul& op, int most);
  bool use(const Matmul& op, const GemmAlgorithm& algorithm);
  GemmKey key(const Matmul& op);
  /// Rows of the table that the library refused, and what it does not fuse, since the last call.
  std::vector<std::string> take_warnings();

 private:
  enum class Way : uint8_t { Whole, Apart };
  Way way(const Matmul& op);
  Way choose(const Matmul& op);
  /// What the library computes of `op`.
  Matmul product_of(const Matmul& op);

  ProductLibrary library_;
  std::map<ProductKey, Way> ways_;
  std::vector<std::string> notes_;
};

}  // namespace causeway::cuda
