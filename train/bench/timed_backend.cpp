// See timed_backend.h.
#include "train/bench/timed_backend.h"

namespace causeway {
namespace {

class TimedBackend final : public Backend {
 public:
  TimedBackend(const Runtime& runtime, TimeByOperation& times)
      : runtime_(runtime), real_(*runtime.backend), times_(times) {}
  std::string_view name() const override { return real_.name(); }

  void* allocate(size_t bytes) override { return real_.allocate(bytes); }
  void deallocate(void* data, size_t bytes) noexcept override { real_.deallocate(data, bytes); }
  void upload(const Tensor& dst, const void* host) override {
    time("upload", [&] { real_.upload(dst, host); });
  }
  void download(void* host, const Tensor& src) override {
    time("download", [&] { real_.download(host, src); });
  }
  void copy(const Tensor& dst, const Tensor& src) override {
    time("copy", [&] { real_.copy(dst, src); });
  }
  void zero(const Tensor& x) override {
    time("zero", [&] { real_.zero(x); });
  }
  void synchronize() override { real_.synchronize(); }

  void prepare(const Matmul& op) override { real_.prepare(op); }
  void prepare(const EmbeddingBackward& op) override { real_.prepare(op); }
  void prepare(const NormBackward& op) override { real_.prepare(op); }
  void prepare(const AttentionForward& op) override { real_.prepare(op); }
  void prepare(const AttentionBackward& op) override { real_.prepare(op); }
  void prepare(const CrossEntropy& op) override { real_.prepare(op); }
  size_t scratch_bytes() const override { return real_.scratch_bytes(); }

  void matmul(const Matmul& op) override {
    time("matmul", [&] { real_.matmul(op); });
  }
  void embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                         const Tensor& wpe, const Tensor& position) override {
    time("embedding_forward", [&] { real_.embedding_forward(y, tokens, wte, wpe, position); });
  }
  void embedding_backward(const EmbeddingBackward& op) override {
    time("embedding_backward", [&] { real_.embedding_backward(op); });
  }
  void norm_forward(const NormForward& op) override {
    time("norm_forward", [&] { real_.norm_forward(op); });
  }
  void norm_backward(const NormBackward& op) override {
    time("norm_backward", [&] { real_.norm_backward(op); });
  }
  void rope(const Tensor& x, const Tensor& table, const Tensor& position,
            RopeDirection direction) override {
    time("rope", [&] { real_.rope(x, table, position, direction); });
  }
  void attention_forward(const AttentionForward& op) override {
    time("attention_forward", [&] { real_.attention_forward(op); });
  }
  void attention_backward(const AttentionBackward& op) override {
    time("attention_backward", [&] { real_.attention_backward(op); });
  }
  void activation_forward(Activation kind, const Tensor& y, const Tensor& x) override {
    time("activation_forward", [&] { real_.activation_forward(kind, y, x); });
  }
  void activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                           const Tensor& x) override {
    time("activation_backward", [&] { real_.activation_backward(kind, d_x, d_y, x); });
  }
  void dropout(const Tensor& y, const Tensor& x, double p, const RandomStream& stream) override {
    time("dropout", [&] { real_.dropout(y, x, p, stream); });
  }
  void cross_entropy(const CrossEntropy& op) override {
    time("cross_entropy", [&] { real_.cross_entropy(op); });
  }

  void sum(const Tensor& out, const Tensor& x) override {
    time("sum", [&] { real_.sum(out, x); });
  }
  void sum_of_squares(const Tensor& partials, const Tensor& x) override {
    time("sum_of_squares", [&] { real_.sum_of_squares(partials, x); });
  }
  void clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                      double max_norm) override {
    time("clip_and_guard", [&] { real_.clip_and_guard(scalars, partials, losses, max_norm); });
  }
  void adamw(const AdamW& op, std::span<const AdamWSlice> slices) override {
    time("adamw", [&] { real_.adamw(op, slices); });
  }
  void axpby(const Tensor& y, double alpha, const Tensor& x, double beta) override {
    time("axpby", [&] { real_.axpby(y, alpha, x, beta); });
  }
  void cast(const Tensor& y, const Tensor& x) override {
    time("cast", [&] { real_.cast(y, x); });
  }

 private:
  template <class Work>
  void time(std::string_view operation, const Work& work) {
    const double seconds = runtime_.seconds_of(work);
    const auto found = times_.find(operation);
    if (found == times_.end())
      times_.emplace(operation, seconds);
    else
      found->second += seconds;
  }

  const Runtime& runtime_;
  Backend& real_;
  TimeByOperation& times_;
};

}  // namespace

std::unique_ptr<Backend> make_timed_backend(const Runtime& runtime, TimeByOperation& times) {
  return std::make_unique<TimedBackend>(runtime, times);
}

}  // namespace causeway
