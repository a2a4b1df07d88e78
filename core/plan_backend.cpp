// See plan_backend.h.
#include "core/plan_backend.h"

#include "core/ops_check.h"

namespace causeway {
namespace {

class PlanBackend final : public Backend {
 public:
  explicit PlanBackend(Preparation* real) : real_(real) {}
  std::string_view name() const override { return "plan"; }

  /// An address of nothing: not null, never read.
  void* allocate(size_t) override { return reinterpret_cast<void*>(uintptr_t{1} << 41); }
  void deallocate(void*, size_t) noexcept override {}
  void upload(const Tensor&, const void*) override {}
  void download(void*, const Tensor&) override {}
  void copy(const Tensor& dst, const Tensor& src) override { check_copy(dst, src); }
  void zero(const Tensor&) override {}
  void synchronize() override {}

  void prepare(const Matmul& op) override { pass_on(op); }
  size_t scratch_bytes() const override { return real_ ? real_->scratch_bytes() : 0; }
  void matmul(const Matmul& op) override { pass_on(op); }

  void embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                         const Tensor& wpe, const Tensor& position) override {
    check_embedding_forward(y, tokens, wte, wpe, position);
  }
  void embedding_backward(const EmbeddingBackward& op) override { pass_on(op); }
  void norm_forward(const NormForward& op) override { check(op); }
  void norm_backward(const NormBackward& op) override { pass_on(op); }
  void rope(const Tensor& x, const Tensor& table, const Tensor& position, RopeDirection) override {
    check_rope(x, table, position);
  }
  void attention_forward(const AttentionForward& op) override { pass_on(op); }
  void attention_backward(const AttentionBackward& op) override { pass_on(op); }
  void activation_forward(Activation kind, const Tensor& y, const Tensor& x) override {
    check_activation_forward(kind, y, x);
  }
  void activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                           const Tensor& x) override {
    check_activation_backward(kind, d_x, d_y, x);
  }
  void dropout(const Tensor& y, const Tensor& x, double p, const RandomStream&) override {
    check_dropout(y, x, p);
  }
  void cross_entropy(const CrossEntropy& op) override { pass_on(op); }

  void sum(const Tensor& out, const Tensor& x) override { check_sum(out, x); }
  void sum_of_squares(const Tensor& partials, const Tensor& x) override {
    check_sum_of_squares(partials, x);
  }
  void clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                      double max_norm) override {
    check_clip_and_guard(scalars, partials, losses, max_norm);
  }
  void adamw(const AdamW& op, std::span<const AdamWSlice> slices) override { check(op, slices); }
  void axpby(const Tensor& y, double, const Tensor& x, double) override { check_axpby(y, x); }
  void cast(const Tensor& y, const Tensor& x) override { check_cast(y, x); }

 private:
  template <class Op>
  void pass_on(const Op& op) {
    check(op);
    if (real_) real_->prepare(op);
  }

  Preparation* real_;
};

}  // namespace

std::unique_ptr<Backend> make_plan_backend(Preparation* real) {
  return std::make_unique<PlanBackend>(real);
}

}  // namespace causeway
