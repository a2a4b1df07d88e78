// `causeway bench step`: a whole training step of a config, as a share of the matmul rate, and
// split by operation. Shares come from pairs measured one right after the other, so that a noisy
// machine disturbs both alike. Read next: train/trial.h, timed_backend.h.
#include <algorithm>

#include "core/json.h"
#include "train/bench/bench_config.h"
#include "train/bench/timed_backend.h"
#include "train/bench/timing.h"
#include "train/flops.h"
#include "train/measure.h"
#include "train/terminal.h"
#include "train/trial.h"

namespace causeway {
namespace {

struct StepFigures {
  Spread seconds, share;  ///< share of the matmul rate
  int64_t tokens = 0;
  MatmulShape peak_shape{};                  ///< of the matmul beside it
  double flops = 0, peak = 0;                ///< of a step; FLOP/s of the matmul
  int64_t base_memory = 0, peak_memory = 0;  ///< of the process, on the host
  int64_t planned_memory = 0;
  double split_seconds = 0;  ///< of the step that was split; the rest is the host's
  std::vector<std::pair<std::string, double>> operations;  ///< seconds, largest first
  std::vector<std::string> warnings;                       ///< what the backend goes on without

  double tokens_per_second() const { return static_cast<double>(tokens) / seconds.median; }
};

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
    StepFigures figures = measure(runtime, config);
    split(runtime, config, figures);
    if (format_ == OutputFormat::Json)
      print_json(config, runtime, figures);
    else
      print(config, runtime, figures);
    return ExitCode::Ok;
  }

 private:
  StepFigures measure(const Runtime& runtime, const Config& config) const {
    Backend& ops = *runtime.backend;
    const DType act = Precision::of(config.train.precision).act;
    // The program's own base: code and libraries once they have run, before any of the run's
    // memory.
    MatmulTimer(runtime, act, {64, 64, 64}).rate(0);
    StepFigures f{.base_memory = resident_bytes()};
    Trial trial(ops, config);
    f.warnings = take_warnings(runtime);
    f.peak_memory = peak_resident_bytes();  // before the yardstick's own operands
    f.planned_memory = static_cast<int64_t>(trial.plan().total);
    f.tokens = trial.tokens_per_step();
    f.flops = flops_per_token(config.model) * static_cast<double>(f.tokens);
    f.peak_shape = peak_shape(runtime, act);
    MatmulTimer yardstick(runtime, act, f.peak_shape);
    std::vector<double> seconds, peaks, shares;
    for (int64_t s = 0; s < steps_; ++s) {
      peaks.push_back(yardstick.rate(runtime.yardstick.seconds));
      seconds.push_back(trial.run());
      shares.push_back(f.flops / seconds.back() / peaks.back());
    }
    f.seconds = spread_of(seconds), f.share = spread_of(shares), f.peak = median(peaks);
    return f;
  }

  /// Of the step of median length among a few.
  static void split(const Runtime& runtime, const Config& config, StepFigures& f) {
    TimeByOperation times;
    const auto timed = make_timed_backend(runtime, times);
    Trial trial(*timed, config);
    std::vector<std::pair<double, TimeByOperation>> steps(5);
    for (auto& [seconds, by_operation] : steps) {
      times.clear();
      seconds = trial.run();
      by_operation = times;
    }
    std::sort(steps.begin(), steps.end());
    const auto& [seconds, by_operation] = steps[steps.size() / 2];
    f.split_seconds = seconds;
    f.operations.assign(by_operation.begin(), by_operation.end());
    std::sort(f.operations.begin(), f.operations.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
  }

  static void print_json(const Config& config, const Runtime& runtime, const StepFigures& f) {
    Json operations = Json::object();
    for (const auto& [name, seconds] : f.operations) operations[name] = seconds;
    Json json = {{"config", config.run.name},
                 {"device", runtime.device},
                 {"vocab_size", *config.model.vocab_size},
                 {"step_seconds", f.seconds.median},
                 {"step_seconds_low", f.seconds.low},
                 {"step_seconds_high", f.seconds.high},
                 {"tokens_per_second", f.tokens_per_second()},
                 {"flops_per_second", f.flops / f.seconds.median},
                 {"matmul_flops_per_second", f.peak},
                 {"matmul_side", f.peak_shape.M},
                 {"share_of_matmul", f.share.median},
                 {"planned_bytes", f.planned_memory},
                 {"split_step_seconds", f.split_seconds},
                 {"operation_seconds", operations}};
    if (!f.warnings.empty()) json["warnings"] = f.warnings;
    if (runtime.on_host_memory)
      json["base_bytes"] = f.base_memory, json["peak_bytes"] = f.peak_memory;
    fmt::print("{}\n", json.dump(2));
  }

  void print(const Config& config, const Runtime& runtime, const StepFigures& f) const {
    const auto bytes = [](int64_t n) { return format_bytes(static_cast<double>(n)); };
    fmt::print("{} on {}, {}, vocabulary {}, median of {} steps\n", config.run.name, runtime.device,
               config.train.precision == PrecisionChoice::Bf16 ? "bf16" : "fp32",
               *config.model.vocab_size, steps_);
    fmt::print("  step           {} for {} tokens, ± {:.0f} %\n", format_time(f.seconds.median),
               f.tokens, 100 * f.seconds.noise());
    fmt::print("  tokens/s       {:.0f}\n", f.tokens_per_second());
    fmt::print("  GFLOP/s        {:.1f}\n", f.flops / f.seconds.median / 1e9);
    fmt::print("  matmul GFLOP/s {:.1f}  ({}x{}x{})\n", f.peak / 1e9, f.peak_shape.M,
               f.peak_shape.N, f.peak_shape.K);
    fmt::print("  share          {:.1f} % (median of pairs)\n", 100 * f.share.median);
    fmt::print("  memory         plan {}", bytes(f.planned_memory));
    if (runtime.on_host_memory)
      fmt::print("; {} peak, {} of it the program", bytes(f.peak_memory), bytes(f.base_memory));
    for (const std::string& warning : f.warnings) fmt::print("\n  warning        {}", warning);
    fmt::print("\n\nby operation, of a step of {}\n", format_time(f.split_seconds));
    double rest = f.split_seconds;
    for (const auto& [name, seconds] : f.operations) {
      rest -= seconds;
      line(name, seconds, f.split_seconds);
    }
    line("(between operations)", rest, f.split_seconds);
  }

  static void line(const std::string& name, double seconds, double whole) {
    fmt::print("  {:<24} {:>10} {:>6.1f} %\n", name, format_time(seconds), 100 * seconds / whole);
  }

  ConfigArguments arguments_;
  int64_t steps_ = 20;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_step() { return std::make_unique<BenchStep>(); }

}  // namespace causeway
