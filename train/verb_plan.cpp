// `causeway plan`: what a run will take, without starting it. Read next: plan.h, scaling.h.
#include <cmath>

#include "core/json.h"
#include "train/agree.h"
#include "train/flops.h"
#include "train/gpus.h"
#include "train/measure.h"
#include "train/plan.h"
#include "train/predict.h"
#include "train/run_data.h"
#include "train/runtime.h"
#include "train/scaling.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class Plan final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    add_json_flag(app, format_);
    app.add_option("--ranks", ranks_, "plan for so many ranks: memory of each, traffic, tokens/s")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    auto* tflops =
        app.add_option("--rank-tflops", rank_tflops_, "a rank's matmul rate; 0: try this machine")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str();
    app.add_option("--gpu", gpu_,
                   "ranks are GPUs of this name, at their data sheet's rates; with device: auto "
                   "the memory is a GPU's too, where the build has CUDA")
        ->excludes(tflops);
    app.add_option("--share", share_,
                   "of the matmul rate that a step reaches, instead of trying steps; 0: try, or 85 "
                   "% of a measured rate, 40 % of a data sheet's")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    app.add_option("--link-gbs", link_gbs_, "GB/s a rank sends while it receives as much")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--latency-us", latency_us_, "microseconds per message")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    auto* tokens =
        app.add_option("--tokens", tokens_, "a token budget, e.g. 10e9: how many days it takes")
            ->check(CLI::PositiveNumber);
    app.add_option("--price", price_, "per rank and hour, in any currency: what the budget costs")
        ->needs(tokens)
        ->check(CLI::NonNegativeNumber);
  }

  ExitCode run() override {
    Config config = arguments_.load();
    resolve_for_plan(config);
    require_lanes_for(config, ranks_);
    const bool for_gpu = !gpu_.empty() && config.device == DeviceChoice::Auto;
    const auto elsewhere =
        prepare_elsewhere(for_gpu ? DeviceChoice::Cuda : config.device, config.train);
    Runtime runtime;
    if (!elsewhere) runtime = make_runtime(config.device, what_runs_here(config.train));
    memory_of_ = elsewhere ? "cuda" : runtime.backend->name();
    Preparation* const device = elsewhere ? elsewhere.get() : runtime.backend.get();
    Model model(config.model, config.train.recompute);
    MemoryPlan plan = plan_memory(config, model, device, ranks_);
    if (elsewhere && config.train.attention_kernel == AttentionKernel::Cudnn)
      plan.lines.push_back({"other", "cuDNN workspace: unknown", 0});
    const std::string source = set_rates(runtime, config);
    const ScalingPlan scaling = plan_scaling(config, model.params(), ranks_, rates_);
    if (format_ == OutputFormat::Json) {
      print_json(config, model, plan, scaling, source);
    } else {
      print(config, model, plan);
      print(scaling, source);
      print_budget(config, model, scaling);
    }
    return ExitCode::Ok;
  }

 private:
  /// A plan for a GPU that is not here does not ask this CPU for a GPU's options.
  TrainConfig what_runs_here(TrainConfig train) const {
    if (gpu_.empty() || report_gpu().found) return train;
    train.attention_kernel = AttentionKernel::Own;
    train.cuda_graph = false;
    return train;
  }

  /// Where the cost of a step is from, for people; fills rates_.
  std::string set_rates(const Runtime& runtime, const Config& config) {
    rates_.bandwidth = link_gbs_ * 1e9;
    rates_.latency = latency_us_ * 1e-6;
    const Precision precision = Precision::of(config.train.precision);
    if (!gpu_.empty()) {
      const GpuModel& gpu = find_gpu(gpu_);
      const double flops = precision.act == DType::BF16 ? gpu.bf16_flops : gpu.fp32_flops;
      return by_flops(config, flops, 0.4, fmt::format("{}'s data sheet", gpu_));
    }
    if (rank_tflops_ > 0) return by_flops(config, rank_tflops_ * 1e12, 0.85, "--rank-tflops");
    if (!runtime.backend)
      throw Error({.id = "usage.gpu",
                   .where = "device: cuda",
                   .what = "this machine has no GPU to try, so no speed can be predicted",
                   .remedy = "say which it is for: --gpu h100 (or another), or --rank-tflops"});
    const double flops = measure_peak(runtime, precision.act);
    Backend& ops = *runtime.backend;
    if (share_ > 0 || !can_try(ops, config, flops, memory_offer(runtime)))
      return by_flops(config, flops, 0.85, "a matmul measured here");
    rates_.cost = try_step(ops, config);
    return "from steps of one and two layers tried here";
  }

  std::string by_flops(const Config& config, double flops, double usual_share,
                       const std::string& source) {
    const double share = share_ > 0 ? share_ : usual_share;
    rates_.cost = cost_by_flops(config, flops, share);
    return fmt::format("{:.3g} TFLOP/s ({}) × {:.0f} %", flops / 1e12, source, 100 * share);
  }

  double days(const ScalingPlan& s) const { return tokens_ / s.tokens_per_second / 86400; }
  double cost(const ScalingPlan& s) const { return days(s) * 24 * ranks_ * price_; }

  void print(const ScalingPlan& s, const std::string& source) const {
    fmt::print("\nspeed       {} tokens/s predicted, {} rank{}: steps of {}, {}\n",
               format_count(std::llround(s.tokens_per_second)), ranks_, ranks_ == 1 ? "" : "s",
               format_time(s.step_seconds), source);
    if (ranks_ > 1) {
      const auto bytes = [](int64_t n) { return format_bytes(static_cast<double>(n)); };
      fmt::print("traffic     {} of gradients and {} of parameters per rank and step\n",
                 bytes(s.gradient_bytes), bytes(s.parameter_bytes));
      fmt::print("            {} on links of {} GB/s, {} of it not behind the backward pass\n",
                 format_time(s.gradient_seconds + s.parameter_seconds), link_gbs_,
                 format_time(s.exposed_seconds));
      fmt::print("efficiency  {:.1f} % of {} ranks on their own\n", 100 * s.efficiency, ranks_);
    }
  }

  void print_budget(const Config& config, const Model& model, const ScalingPlan& s) const {
    if (tokens_ > 0)
      fmt::print("budget      {:.3g} tokens: {:.2f} days{}\n", tokens_, days(s),
                 price_ > 0 ? fmt::format(", {:.0f} for {} rank{} at {} an hour", cost(s), ranks_,
                                          ranks_ == 1 ? "" : "s", price_)
                            : "");
    const double optimal = optimal_tokens(model);
    fmt::print(
        "hint        {:.3g} tokens are compute-optimal for this size (20 a parameter, Hoffmann "
        "et al. 2022): {} steps\n",
        optimal,
        format_count(std::llround(optimal / static_cast<double>(tokens_per_step(config)))));
  }

  /// Hoffmann et al. 2022, arXiv:2203.15556: about 20 tokens for every parameter.
  static double optimal_tokens(const Model& model) {
    return 20.0 * static_cast<double>(model.params().count());
  }

  static int64_t tokens_per_step(const Config& config) {
    return config.train.global_batch_size * config.model.block_size;
  }

  void print(const Config& config, const Model& model, const MemoryPlan& plan) const {
    const double flops = flops_per_token(config.model);
    fmt::print("model       {} parameters\n", format_count(model.params().count()));
    fmt::print("step        {} tokens: {} micro-batches of {} sequences, {} lanes\n",
               format_count(tokens_per_step(config)),
               config.train.global_batch_size / *config.train.micro_batch_size,
               *config.train.micro_batch_size, *config.train.grad_lanes);
    fmt::print("FLOPs       {:.4g} per token, {:.4g} per step\n\n", flops,
               flops * static_cast<double>(tokens_per_step(config)));
    fmt::print("memory      {} on {}, besides the program itself\n",
               format_bytes(static_cast<double>(plan.total)), memory_of_);
    for (const PlanLine& line : plan.lines)
      fmt::print("  {:<12} {:<28} {:>12}\n", line.category, line.name,
                 format_bytes(static_cast<double>(line.bytes)));
  }

  void print_json(const Config& config, const Model& model, const MemoryPlan& plan,
                  const ScalingPlan& scaling, const std::string& source) const {
    Json lines = Json::array();
    for (const PlanLine& line : plan.lines)
      lines.push_back({{"category", line.category}, {"name", line.name}, {"bytes", line.bytes}});
    Json json = {{"parameters", model.params().count()},
                 {"tokens_per_step", tokens_per_step(config)},
                 {"micro_batch_size", *config.train.micro_batch_size},
                 {"flops_per_token", flops_per_token(config.model)},
                 {"memory_bytes", plan.total},
                 {"memory", lines},
                 {"memory_of", memory_of_},
                 {"ranks", ranks_},
                 {"gradient_bytes_sent", scaling.gradient_bytes},
                 {"parameter_bytes_sent", scaling.parameter_bytes},
                 {"optimal_tokens", optimal_tokens(model)},
                 {"rate_source", source},
                 {"step_seconds", scaling.step_seconds},
                 {"exposed_seconds", scaling.exposed_seconds},
                 {"tokens_per_second", scaling.tokens_per_second},
                 {"efficiency", scaling.efficiency}};
    if (tokens_ > 0) json["budget_days"] = days(scaling);
    if (price_ > 0) json["budget_cost"] = cost(scaling);
    fmt::print("{}\n", json.dump(2));
  }

  ConfigArguments arguments_;
  OutputFormat format_ = OutputFormat::Text;
  int ranks_ = 1;
  MachineRates rates_;
  std::string gpu_, memory_of_;  ///< memory_of_: whose needs are counted, "cpu" or "cuda"
  double rank_tflops_ = 0, share_ = 0, link_gbs_ = rates_.bandwidth / 1e9,
         latency_us_ = rates_.latency * 1e6;
  double tokens_ = 0, price_ = 0;
};

}  // namespace

std::unique_ptr<Verb> make_plan() { return std::make_unique<Plan>(); }

}  // namespace causeway
