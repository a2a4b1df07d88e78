// `causeway plan`: what a run will take, without starting it. Read next: plan.h.
#include <cmath>

#include "core/config_validate.h"
#include "core/json.h"
#include "train/flops.h"
#include "train/plan.h"
#include "train/run_data.h"
#include "train/runtime.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class Plan final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    Config config = arguments_.load();
    // With the vocabulary given, no data is needed: a plan for another machine's corpus works here.
    if (config.model.vocab_size)
      resolve(config);
    else
      resolve_with_data(config, open_run_data(config));
    const Runtime runtime = make_runtime(config.device, config.train);
    Model model(config.model, config.train.recompute);
    const MemoryPlan plan = plan_memory(config, model, runtime.backend.get());
    format_ == OutputFormat::Json ? print_json(config, model, plan) : print(config, model, plan);
    return ExitCode::Ok;
  }

 private:
  static int64_t tokens_per_step(const Config& config) {
    return config.train.global_batch_size * config.model.block_size;
  }

  static void print(const Config& config, const Model& model, const MemoryPlan& plan) {
    const double flops = flops_per_token(config.model);
    fmt::print("model       {} parameters\n", format_count(model.params().count()));
    fmt::print("step        {} tokens: {} micro-batches of {} sequences, {} lanes\n",
               format_count(tokens_per_step(config)),
               config.train.global_batch_size / *config.train.micro_batch_size,
               *config.train.micro_batch_size, *config.train.grad_lanes);
    fmt::print("FLOPs       {:.4g} per token, {:.4g} per step\n\n", flops,
               flops * static_cast<double>(tokens_per_step(config)));
    fmt::print("memory      {}, besides the program itself\n",
               format_bytes(static_cast<double>(plan.total)));
    for (const PlanLine& line : plan.lines)
      fmt::print("  {:<12} {:<28} {:>12}\n", line.category, line.name,
                 format_bytes(static_cast<double>(line.bytes)));
  }

  static void print_json(const Config& config, const Model& model, const MemoryPlan& plan) {
    Json lines = Json::array();
    for (const PlanLine& line : plan.lines)
      lines.push_back({{"category", line.category}, {"name", line.name}, {"bytes", line.bytes}});
    const Json json = {{"parameters", model.params().count()},
                       {"tokens_per_step", tokens_per_step(config)},
                       {"micro_batch_size", *config.train.micro_batch_size},
                       {"flops_per_token", flops_per_token(config.model)},
                       {"memory_bytes", plan.total},
                       {"memory", lines}};
    fmt::print("{}\n", json.dump(2));
  }

  ConfigArguments arguments_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_plan() { return std::make_unique<Plan>(); }

}  // namespace causeway
