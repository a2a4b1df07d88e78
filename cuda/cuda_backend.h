// The CUDA backend's class: what it owns. Arguments are checked here as on every backend, then the
// kernels are started (launches.h, attention_kernels.h). Read next: backend.cpp.
#pragma once
#include "core/backend.h"
#include "cuda/backend.h"
#include "cuda/graph.h"
#include "cuda/memory.h"
#include "cuda/preparation.h"
#include "cuda/products.h"

namespace causeway::cuda {

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(AttentionKernel attention);

  /// What every operation is started on.
  cudaStream_t stream() const { return stream_; }
  Products& products() { return products_; }
  /// See tune_cuda_product().
  TunedProduct tune(const Matmul& op);

  std::string_view name() const override { return "cuda"; }
  void* allocate(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  void upload(const Tensor& dst, const void* host) override;
  void download(void* host, const Tensor& src) override;
  void copy(const Tensor& dst, const Tensor& src) override;
  void zero(const Tensor& x) override;
  void synchronize() override;
  void run_graph(std::string_view name, const std::function<void()>& work) override;

  void prepare(const Matmul& op) override;
  void prepare(const EmbeddingBackward& op) override;
  void prepare(const NormBackward& op) override;
  void prepare(const AttentionForward& op) override;
  void prepare(const AttentionBackward& op) override;
  size_t scratch_bytes() const override { return scratch_.bytes(); }
  void matmul(const Matmul& op) override;

  void embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                         const Tensor& wpe, const Tensor& position) override;
  void embedding_backward(const EmbeddingBackward& op) override;
  void norm_forward(const NormForward& op) override;
  void norm_backward(const NormBackward& op) override;
  void rope(const Tensor& x, const Tensor& table, const Tensor& position,
            RopeDirection direction) override;
  void attention_forward(const AttentionForward& op) override;
  void attention_backward(const AttentionBackward& op) override;
  void activation_forward(Activation kind, const Tensor& y, const Tensor& x) override;
  void activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                           const Tensor& x) override;
  void dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream) override;
  void cross_entropy(const CrossEntropy& op) override;

  void sum(const Tensor& out, const Tensor& x) override;
  void sum_of_squares(const Tensor& partials, const Tensor& x) override;
  void clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                      double max_norm) override;
  void adamw(const AdamW& op, std::span<const AdamWSlice> slices) override;
  void axpby(const Tensor& y, double alpha, const Tensor& x, double beta) override;
  void cast(const Tensor& y, const Tensor& x) override;

 private:
  template <class Op>
  void reserve_for(const Op& op);

  Stream stream_;
  Scratch scratch_;
  Staging staging_;
  Products products_;
  ScratchNeeds needs_;
  Graphs graphs_;
};

}  // namespace causeway::cuda
