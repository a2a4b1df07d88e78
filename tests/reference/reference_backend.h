// The class behind make_reference_backend(): one plain definition of every operation, for T =
// double (the truth) and std::complex<double> (its derivative). Read next: matmul.cpp, norm.cpp,
// ...
//
// Complex step. f(x + i·h) = f(x) + i·h·f'(x) + O(h²): with h = 1e-30 the imaginary part divided by
// h is the derivative to the last digit, nothing is subtracted. It holds where f is analytic, so
// the loops below use no abs, min or max of a T. Each place that must choose decides by the real
// part (std::real) and says why this is the derivative.
#pragma once
#include <complex>
#include <vector>

#include "core/backend.h"
#include "tests/reference/view.h"

namespace causeway::reference {

template <class T>
class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override;

  void* allocate(size_t bytes) override;
  void deallocate(void* data, size_t bytes) noexcept override;
  void upload(const Tensor& dst, const void* host) override;
  void download(void* host, const Tensor& src) override;
  void copy(const Tensor& dst, const Tensor& src) override;
  void zero(const Tensor& x) override;
  void synchronize() override {}
  void prepare(const Matmul&) override {}
  size_t scratch_bytes() const override { return 0; }

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
};

using Complex = std::complex<double>;

/// What a gradient is added to: its own value under Accumulate, nothing under Overwrite.
template <class T>
T base(GradMode mode, const T& current) {
  return mode == GradMode::Accumulate ? current : T(0);
}

}  // namespace causeway::reference
