// TinyModel: a model of any config on any backend with one fixed micro-batch, for tests that
// compare backends, gradients and options. Read next: model_test.cpp.
#pragma once
#include <complex>
#include <vector>

#include "core/convert.h"
#include "core/model.h"
#include "core/model_state.h"
#include "core/plan_backend.h"

namespace causeway::testing {

/// Every option small: B = 2, T = 6, C = 12, two layers.
inline ModelConfig tiny_config() {
  ModelConfig c;
  c.n_layer = 2, c.n_head = 2, c.n_embd = 12, c.block_size = 6, c.vocab_size = 11;
  return c;
}

class TinyModel {
 public:
  TinyModel(Backend& ops, const ModelConfig& config, const Precision& precision,
            Recompute recompute = Recompute::None, bool segments = false, int64_t B = 2)
      : ops_(ops),
        model(config, recompute),
        state(ops, config, model.params(), precision, 1),
        precision_(precision),
        B_(B),
        T_(config.block_size) {
    initialise();
    make_batch(segments);
    measure();
    arena_ = Arena(ops, measured_);
    total_memory_ = Buffer(ops, dtype_size(precision.scalar));
    total_ = Tensor(total_memory_.data(), precision.scalar, {1});
  }

  /// Σ row losses; `Scalar` is double or complex<double> as the backend has it.
  template <class Scalar = double>
  Scalar loss(Phase phase = Phase::Train) {
    Context ctx = context(ops_, arena_);
    ctx.phase = phase;
    model.loss(ctx, total_);
    return read_total<Scalar>();
  }

  /// Gradients of Σ row losses / rows go to state.grads[0].
  double forward_backward(GradMode mode = GradMode::Overwrite) {
    Context ctx = context(ops_, arena_);
    ctx.grad_mode = mode;
    model.forward_backward(ctx, total_);
    return read_total<double>();
  }

  std::vector<float> logits() {
    const auto& c = model.config();
    const Tensor z = arena_.alloc("logits", precision_.act, {B_ * T_, c.padded_vocab()});
    model.all_logits(context(ops_, arena_), z);
    std::vector<std::byte> bytes(z.bytes());
    ops_.download(bytes.data(), z);
    return to_floats(bytes, precision_.act);
  }

  /// Element type T of the flat buffer `flat`.
  template <class T>
  std::vector<T> download(const Tensor& flat) {
    std::vector<T> values(flat.numel());
    ops_.download(values.data(), flat);
    return values;
  }

  size_t measured() const { return measured_; }
  double rows() const { return static_cast<double>(B_ * T_); }

 private:
  Backend& ops_;

 public:
  Model model;
  ModelState state;

 private:
  void initialise() {
    // Wider than a real start, so that no gradient is near zero; norms and biases vary too.
    for (ParamId id = 0; id < static_cast<ParamId>(model.params().all().size()); ++id) {
      const ParamInfo& p = model.params()[id];
      std::vector<float> values(p.valid_numel());
      for (size_t i = 0; i < values.size(); ++i) {
        const uint32_t bits = random_bits({.seed = 7, .layer = static_cast<uint32_t>(id)}, i);
        values[i] = static_cast<float>(p.init_mean + 0.8 * (uniform(bits) - 0.5));
      }
      state.write(ops_, id, values);
    }
  }

  void make_batch(bool segments) {
    const int64_t n = B_ * T_, V = *model.config().vocab_size;
    ids_ = Buffer(ops_, 4 * n * sizeof(int32_t));
    std::vector<int32_t> host(4 * n);
    for (int64_t i = 0; i < n; ++i) {
      const auto draw = philox({.seed = 11}, static_cast<uint32_t>(i));
      const int64_t t = i % T_, start = t >= T_ / 2 ? T_ / 2 : 0;
      host[i] = static_cast<int32_t>(draw[0] % V);
      host[n + i] = static_cast<int32_t>(draw[1] % V);
      host[2 * n + i] = static_cast<int32_t>(t - start);
      host[3 * n + i] = static_cast<int32_t>(start);
    }
    const Tensor all(ids_.data(), DType::I32, {4, B_, T_});
    ops_.upload(all, host.data());
    const auto part = [&](int64_t i) { return all.slice(0, i, 1).view({B_, T_}); };
    batch_ = {.B = B_, .T = T_, .tokens = part(0), .targets = part(1)};
    if (segments) batch_.position = part(2), batch_.segment_start = part(3);
  }

  void measure() {
    const auto plan = make_plan_backend(&ops_);
    Arena arena;
    const Tensor total = arena.alloc("total", precision_.scalar, {1});
    arena.alloc("logits", precision_.act, {B_ * T_, model.config().padded_vocab()});
    model.forward_backward(context(*plan, arena), total);
    measured_ = arena.peak();
  }

  Context context(Backend& ops, Arena& arena) {
    return {.ops = ops,
            .arena = arena,
            .params = model.params(),
            .precision = precision_,
            .values = state.values,
            .grads = state.grads[0],
            .tables = state.tables.tables,
            .batch = batch_,
            .seed = 5,
            .micro_batch = 3,
            .gradient_scale = 1 / rows()};
  }

  template <class Scalar>
  Scalar read_total() {
    Scalar value{};
    ops_.download(&value, total_);
    return value;
  }

  Precision precision_;
  int64_t B_, T_;
  Buffer ids_, total_memory_;
  Batch batch_;
  Tensor total_;
  size_t measured_ = 0;
  Arena arena_;
};

}  // namespace causeway::testing
