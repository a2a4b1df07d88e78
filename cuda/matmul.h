// The library of matrix products of the CUDA backend: y = op(a) · op(b) with bias, epilogue and
// accumulation in one piece, where it knows a way. Two files implement it: matmul.cpp with
// cuBLASLt, tests/simt/host_matmul.cpp with plain loops for the emulation. Read next: products.h
// (what is done where it knows none), matmul.cpp.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"
#include "cuda/gemm_table.h"
#include "cuda/runtime.h"

namespace causeway::cuda {

class ProductLibrary {
 public:
  ProductLibrary();
  ~ProductLibrary();

  /// Scratch memory that run() wants.
  static size_t workspace_bytes();
  /// The library as loaded: "cuBLASLt 13.0.2".
  static std::string name();

  /// Makes the plan for these shapes, touching no data. "", or why the library cannot do it.
  std::string prepare(const Matmul& op);
  /// What prepare() found possible, without d_bias. Asynchronous. `workspace`: workspace_bytes()
  /// bytes, 256-byte aligned.
  void run(const Matmul& op, void* workspace, cudaStream_t stream);

  /// How this product may be computed, the library's first choice first, `most` at most; none of
  /// which adds up in an order that changes from run to run.
  std::vector<GemmAlgorithm> algorithms(const Matmul& op, int most);
  /// From now on run() computes this product so. False, and nothing changes, if the library refuses
  /// or wants more workspace than there is.
  bool use(const Matmul& op, const GemmAlgorithm& algorithm);
  /// Where a row of the table for this product holds.
  GemmKey key(const Matmul& op) const;
  /// Rows of the table that the library refused since the last call, for people.
  std::vector<std::string> take_warnings();

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace causeway::cuda
