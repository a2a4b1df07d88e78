// What the operations of the CUDA backend need beforehand: which arguments are refused, and how
// much scratch memory there must be. No GPU is asked, so a plan for one can be made anywhere.
// Read next: cuda_backend.h.
#pragma once
#include <string>

#include "core/backend.h"
#include "cuda/attention_kernels.h"

namespace causeway::cuda {

/// Throws Error "op.unsupported".
[[noreturn]] void refuse(const char* op, const std::string& expected, const Tensor& got);
/// f64 and c128 are the reference backend's.
void require_act(const char* op, const Tensor& t);

/// The operations of a stream use one piece of scratch memory in turn: the largest need counts.
class ScratchNeeds final : public Preparation {
 public:
  /// `attention` null: what it wants is not counted, since only cuDNN, on a GPU, knows its own.
  explicit ScratchNeeds(std::unique_ptr<AttentionKernels> attention)
      : attention_(std::move(attention)) {}

  AttentionKernels& attention() { return *attention_; }

  void prepare(const Matmul& op) override;
  void prepare(const EmbeddingBackward& op) override;
  void prepare(const NormBackward& op) override;
  void prepare(const AttentionForward& op) override;
  void prepare(const AttentionBackward& op) override;
  size_t scratch_bytes() const override { return bytes_; }

 private:
  void need(size_t bytes);

  std::unique_ptr<AttentionKernels> attention_;
  size_t bytes_ = 0;
};

}  // namespace causeway::cuda
