// Matrix products of the CUDA backend: y = op(a) · op(b) with bias, epilogue and accumulation, but
// without d_bias. Two files implement it: matmul.cpp with cuBLASLt, tests/simt/host_matmul.cpp with
// plain loops for the emulation. Read next: matmul.cpp.
#pragma once
#include <memory>

#include "core/backend.h"
#include "cuda/runtime.h"

namespace causeway::cuda {

class Products {
 public:
  Products();
  ~Products();

  /// Scratch memory that run() wants.
  static size_t workspace_bytes();

  /// Makes the plan for these shapes, touching no data.
  /// Throws Error "op.unsupported" when the library knows no way.
  void prepare(const Matmul& op);
  /// Asynchronous. `workspace`: workspace_bytes() bytes, 256-byte aligned.
  void run(const Matmul& op, void* workspace, cudaStream_t stream);

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace causeway::cuda
