// `causeway bench attention`: the attention of one layer of a config, alone. FLOPs are counted as
// the field does, 4·D for the forward and 10·D for the backward, for every pair of a query and a
// key that it sees. Read next: bench.h, core/attention.cpp (the layer).
#include <algorithm>
#include <cmath>

#include "core/convert.h"
#include "core/json.h"
#include "train/bench.h"
#include "train/measure.h"
#include "train/runtime.h"

namespace causeway {
namespace {

struct AttentionSizes {
  int64_t B, T, H, K, D, window;

  double visible_pairs() const {
    const int64_t w = window ? std::min(window, T) : T;  // the first w rows see 1, 2, …, w keys
    return static_cast<double>(B * H) * (0.5 * w * (w + 1) + static_cast<double>(T - w) * w);
  }
};

/// The operands of one layer, packed as the layer packs them: q, k and v in one tensor.
class AttentionTimer {
 public:
  AttentionTimer(Backend& ops, DType dtype, const AttentionSizes& n) : ops_(ops), sizes_(n) {
    const int64_t qkv = n.H + 2 * n.K, heads = 2 * (qkv + n.H);  // qkv and o, and their gradients
    const int64_t count = n.B * n.T * n.D * heads;
    memory_ = Buffer(ops, static_cast<size_t>(count) * dtype_size(dtype));
    lse_ = Buffer(ops, sizeof(float) * static_cast<size_t>(n.B * n.H * n.T));
    const Tensor all(memory_.data(), dtype, {count});
    fill(all);
    int64_t at = 0;
    const auto take = [&](int64_t width) {
      const Tensor t = all.slice(0, at, n.B * n.T * width * n.D).view({n.B, n.T, width, n.D});
      at += t.numel();
      return t;
    };
    const Tensor x = take(qkv), d_x = take(qkv), o = take(n.H), d_o = take(n.H);
    const AttentionOptions options{.scale = 1 / std::sqrt(static_cast<double>(n.D)),
                                   .window = n.window};
    const Tensor q = x.slice(2, 0, n.H), k = x.slice(2, n.H, n.K), v = x.slice(2, n.H + n.K, n.K);
    const Tensor lse(lse_.data(), DType::F32, {n.B, n.H, n.T});
    forward_ = {.options = options, .o = o, .lse = lse, .q = q, .k = k, .v = v};
    backward_ = {.options = options,
                 .d_q = d_x.slice(2, 0, n.H),
                 .d_k = d_x.slice(2, n.H, n.K),
                 .d_v = d_x.slice(2, n.H + n.K, n.K),
                 .d_o = d_o,
                 .q = q,
                 .k = k,
                 .v = v,
                 .o = o,
                 .lse = lse};
    ops.attention_forward(forward_);  // the backward reads o and lse
  }

  double forward_rate() {
    return 4 * flops() / seconds([&] { ops_.attention_forward(forward_); });
  }
  double backward_rate() {
    return 10 * flops() / seconds([&] { ops_.attention_backward(backward_); });
  }

 private:
  double flops() const { return static_cast<double>(sizes_.D) * sizes_.visible_pairs(); }

  /// Any ordinary numbers: zeros or denormals would not be timed like a model's.
  void fill(const Tensor& all) const {
    std::vector<float> numbers(all.numel());
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<float>(i % 17) * 0.1f - 0.8f;
    ops_.upload(all, convert(numbers, all.dtype).data());
  }

  /// Of one run, the median of five times as many as fit 50 ms: a device is kept busy.
  template <class Run>
  double seconds(Run run) const {
    const auto time = [&](int64_t runs) {
      ops_.synchronize();
      const double begin = now_seconds();
      for (int64_t i = 0; i < runs; ++i) run();
      ops_.synchronize();
      return (now_seconds() - begin) / static_cast<double>(runs);
    };
    const int64_t runs = 1 + static_cast<int64_t>(0.05 / time(1));
    std::vector<double> times;
    for (int i = 0; i < 5; ++i) times.push_back(time(runs));
    return median(times);
  }

  Backend& ops_;
  AttentionSizes sizes_;
  Buffer memory_, lse_;
  AttentionForward forward_;
  AttentionBackward backward_;
};

class BenchAttention final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const Config config = load_for_bench(arguments_);
    const Runtime runtime = make_runtime(config.device, config.train);
    const ModelConfig& m = config.model;
    const AttentionSizes n{.B = *config.train.micro_batch_size,
                           .T = m.block_size,
                           .H = m.n_head,
                           .K = m.kv_heads(),
                           .D = m.head_dim(),
                           .window = m.sliding_window};
    Json result = {
        {"device", runtime.device}, {"B", n.B}, {"T", n.T}, {"H", n.H}, {"K", n.K}, {"D", n.D},
        {"window", n.window}};
    for (const DType dtype : {DType::F32, DType::BF16}) {
      AttentionTimer timer(*runtime.backend, dtype, n);
      result[fmt::format("{}_forward_gflops", dtype_name(dtype))] = timer.forward_rate() / 1e9;
      result[fmt::format("{}_backward_gflops", dtype_name(dtype))] = timer.backward_rate() / 1e9;
    }
    print(result);
    return ExitCode::Ok;
  }

 private:
  void print(const Json& r) const {
    if (format_ == OutputFormat::Json) {
      fmt::print("{}\n", r.dump(2));
      return;
    }
    fmt::print("{}, attention of B {}, T {}, H {}, K {}, D {}, window {}; GFLOP/s, median of 5\n",
               r["device"].get<std::string>(), r["B"].get<int64_t>(), r["T"].get<int64_t>(),
               r["H"].get<int64_t>(), r["K"].get<int64_t>(), r["D"].get<int64_t>(),
               r["window"].get<int64_t>());
    for (const char* dtype : {"f32", "bf16"})
      fmt::print("  {:<5} forward {:>10.1f}   backward {:>10.1f}\n", dtype,
                 r[fmt::format("{}_forward_gflops", dtype)].get<double>(),
                 r[fmt::format("{}_backward_gflops", dtype)].get<double>());
  }

  ConfigArguments arguments_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_attention() { return std::make_unique<BenchAttention>(); }

}  // namespace causeway
