// `causeway bench step|matmul`: this machine's speed, measured the way docs quote it. Ratios come
// from pairs measured one right after the other, so that a noisy machine disturbs both alike. Read
// next: bench.h, measure.h, flops.h.
#include <algorithm>

#include "core/json.h"
#include "train/bench.h"
#include "train/environment.h"
#include "train/flops.h"
#include "train/measure.h"
#include "train/plan.h"
#include "train/run_data.h"
#include "train/runtime.h"
#include "train/step.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class BenchStep final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    app.add_option("--steps", steps_, "steps to time")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000));
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const Config config = load_for_bench(arguments_);
    const Runtime runtime = make_runtime(config.device, config.train);
    Backend& ops = *runtime.backend;
    const Precision precision = Precision::of(config.train.precision);
    // The program's own base: code and libraries once they have run, before any of the run's
    // memory.
    MatmulTimer(ops, precision.act, {64, 64, 64}).rate(0);
    const int64_t base = resident_bytes();
    Model model(config.model, config.train.recompute);
    const MemoryPlan plan = plan_memory(config, model, &ops);
    SingleComm comm;
    ModelState state = make_training_state(ops, model, config, comm, precision);
    state.initialise(ops, config.run.seed);
    Arena arena(ops, plan.arena_bytes);
    TrainStep step(ops, comm, arena, model, state, config);

    const auto fill = [&](int64_t micro_batch, HostBatch& batch) {
      for (size_t i = 0; i < batch.tokens.size(); ++i) {
        const auto bits = philox({.seed = 1, .index = static_cast<uint64_t>(micro_batch)},
                                 static_cast<uint32_t>(i));
        batch.tokens[i] = static_cast<int32_t>(bits[0] % *config.model.vocab_size);
        batch.targets[i] = static_cast<int32_t>(bits[1] % *config.model.vocab_size);
      }
    };
    step.run(0, fill, 1e-4);                            // warms caches and touches all memory
    const int64_t peak_memory = peak_resident_bytes();  // before the yardstick's own operands
    MatmulTimer yardstick(ops, precision.act, kPeakShape);
    const double flops =
        flops_per_token(config.model) * static_cast<double>(step.tokens_per_step());
    std::vector<double> seconds, peaks, shares;
    for (int64_t s = 1; s <= steps_; ++s) {
      const double before = yardstick.rate(0.05);
      const double begin = now_seconds();
      step.run(s, fill, 1e-4);
      seconds.push_back(now_seconds() - begin);
      peaks.push_back(before);
      shares.push_back(flops / seconds.back() / before);
    }
    report(config, runtime,
           {.seconds = median(seconds),
            .tokens = step.tokens_per_step(),
            .flops = flops,
            .peak = median(peaks),
            .share = median(shares),
            .base_memory = base,
            .peak_memory = peak_memory,
            .planned_memory = static_cast<int64_t>(plan.total)});
    return ExitCode::Ok;
  }

 private:
  struct Figures {
    double seconds;
    int64_t tokens;
    double flops, peak, share;
    int64_t base_memory, peak_memory, planned_memory;
  };

  void report(const Config& config, const Runtime& runtime, const Figures& f) const {
    const double tokens_per_second = static_cast<double>(f.tokens) / f.seconds;
    if (format_ == OutputFormat::Json) {
      const Json json = {{"config", config.run.name},
                         {"device", runtime.device},
                         {"step_seconds", f.seconds},
                         {"tokens_per_second", tokens_per_second},
                         {"flops_per_second", f.flops / f.seconds},
                         {"matmul_flops_per_second", f.peak},
                         {"share_of_matmul", f.share},
                         {"base_bytes", f.base_memory},
                         {"peak_bytes", f.peak_memory},
                         {"planned_bytes", f.planned_memory}};
      fmt::print("{}\n", json.dump(2));
      return;
    }
    const auto bytes = [](int64_t n) { return format_bytes(static_cast<double>(n)); };
    fmt::print("{} on {}, {}, median of {} steps\n", config.run.name, runtime.device,
               choice_name(config.train.precision), steps_);
    fmt::print("  step           {} for {} tokens\n", format_duration(f.seconds), f.tokens);
    fmt::print("  tokens/s       {:.0f}\n", tokens_per_second);
    fmt::print("  GFLOP/s        {:.1f}\n", f.flops / f.seconds / 1e9);
    fmt::print("  matmul GFLOP/s {:.1f}  ({}x{}x{})\n", f.peak / 1e9, kPeakShape.M, kPeakShape.N,
               kPeakShape.K);
    fmt::print("  share          {:.1f} % (median of pairs)\n", 100 * f.share);
    fmt::print("  memory         {} peak, {} of it the program; plan {}\n", bytes(f.peak_memory),
               bytes(f.base_memory), bytes(f.planned_memory));
  }

  static std::string_view choice_name(PrecisionChoice choice) {
    return choice == PrecisionChoice::Bf16 ? "bf16" : "fp32";
  }

  ConfigArguments arguments_;
  int64_t steps_ = 20;
  OutputFormat format_ = OutputFormat::Text;
};

class BenchMatmul final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const Config config = load_for_bench(arguments_);
    const Runtime runtime = make_runtime(config.device, config.train);
    Json rows = Json::array();
    for (const auto& [name, shape] : shapes(config)) {
      Json row = {{"name", name}, {"M", shape.M}, {"N", shape.N}, {"K", shape.K}};
      for (const DType dtype : {DType::F32, DType::BF16}) {
        MatmulTimer timer(*runtime.backend, dtype, shape);
        std::vector<double> rates;
        for (int i = 0; i < 5; ++i) rates.push_back(timer.rate(0.05));
        row[fmt::format("{}_gflops", dtype_name(dtype))] = median(rates) / 1e9;
      }
      rows.push_back(row);
    }
    print(runtime, rows);
    return ExitCode::Ok;
  }

 private:
  static std::vector<std::pair<std::string, MatmulShape>> shapes(const Config& config) {
    const ModelConfig& m = config.model;
    const int64_t n = *config.train.micro_batch_size * m.block_size;
    const int64_t qkv = (m.n_head + 2 * m.kv_heads()) * m.head_dim();
    return {{"peak", kPeakShape},
            {"attention.qkv", {n, qkv, m.n_embd}},
            {"attention.proj", {n, m.n_embd, m.n_head * m.head_dim()}},
            {"mlp.up", {n, m.mlp_width(), m.n_embd}},
            {"mlp.down", {n, m.n_embd, m.mlp_width()}},
            {"head", {std::min<int64_t>(n, 1024), m.padded_vocab(), m.n_embd}}};
  }

  void print(const Runtime& runtime, const Json& rows) const {
    if (format_ == OutputFormat::Json) {
      fmt::print("{}\n", Json{{"device", runtime.device}, {"matmul", rows}}.dump(2));
      return;
    }
    fmt::print("{}, GFLOP/s, median of 5\n{:<16} {:>7} {:>7} {:>7} {:>9} {:>9}\n", runtime.device,
               "", "M", "N", "K", "fp32", "bf16");
    for (const Json& r : rows)
      fmt::print("{:<16} {:>7} {:>7} {:>7} {:>9.1f} {:>9.1f}\n", r["name"].get<std::string>(),
                 r["M"].get<int64_t>(), r["N"].get<int64_t>(), r["K"].get<int64_t>(),
                 r["f32_gflops"].get<double>(), r["bf16_gflops"].get<double>());
  }

  ConfigArguments arguments_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_step() { return std::make_unique<BenchStep>(); }
std::unique_ptr<Verb> make_bench_matmul() { return std::make_unique<BenchMatmul>(); }

}  // namespace causeway
