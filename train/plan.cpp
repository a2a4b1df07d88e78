// See plan.h.
#include "train/plan.h"

#include <algorithm>

#include "core/plan_backend.h"
#include "train/environment.h"
#include "train/generate.h"
#include "train/step.h"
#include "train/terminal.h"

namespace causeway {

MemoryPlan plan_memory(const Config& config, Model& model, Preparation* real, int ranks) {
  const auto backend = make_plan_backend(real);
  const Precision precision = Precision::of(config.train.precision);
  SingleComm comm(ranks);
  ModelState state = make_training_state(*backend, model, config, comm, precision);
  Arena arena;
  TrainStep step(*backend, comm, arena, model, state, config);
  step.run(
      0, [](int64_t, HostBatch&) {}, config.optimizer.lr);
  if (config.eval.every > 0) step.evaluate([](HostBatch&) {});

  MemoryPlan plan;
  plan.arena_bytes = arena.peak();
  for (const ModelState::Line& line : state.lines())
    plan.lines.push_back({"state", std::string(line.name), line.bytes});
  for (const Arena::Line& line : arena.peak_lines())
    plan.lines.push_back({"activations", std::string(line.name), line.bytes});
  if (const size_t scratch = backend->scratch_bytes())
    plan.lines.push_back({"other", "library and kernel scratch", scratch});
  if (config.sample.every > 0)
    plan.lines.push_back({"other", "samples", Generator::bytes(model, precision)});
  for (const PlanLine& line : plan.lines) plan.total += line.bytes;
  return plan;
}

namespace {

/// Settings that keep the result of a run the same or nearly so, mildest first.
std::vector<std::pair<std::string, Config>> smaller_settings(const Config& config, int ranks) {
  std::vector<std::pair<std::string, Config>> list;
  for (const Recompute recompute : {config.train.recompute, Recompute::Mlp, Recompute::Block})
    for (int64_t b = *config.train.micro_batch_size; b >= 1; b /= 2) {
      if (config.train.global_batch_size % (b * ranks) != 0) continue;
      Config c = config;
      c.train.micro_batch_size = b, c.train.grad_lanes = ranks, c.train.recompute = recompute;
      std::string text = fmt::format("train.micro_batch_size={} train.grad_lanes={}", b, ranks);
      if (recompute == Recompute::Mlp) text += " train.recompute=mlp";
      if (recompute == Recompute::Block) text += " train.recompute=block";
      list.emplace_back(text, c);
    }
  return list;
}

std::string advice(const Config& config, int64_t available, int ranks) {
  for (const auto& [text, smaller] : smaller_settings(config, ranks)) {
    Model model(smaller.model, smaller.train.recompute);
    const MemoryPlan plan = plan_memory(smaller, model, nullptr, ranks);
    if (static_cast<int64_t>(plan.total) <= available)
      return fmt::format("this fits, in {}: {}", format_bytes(static_cast<double>(plan.total)),
                         text);
  }
  return "no batch size makes this model fit here: choose a smaller one, or train.precision=bf16";
}

}  // namespace

void refuse_if_too_large(const MemoryPlan& plan, const Config& config, int ranks, int local_ranks) {
  const MachineLimits limits = read_machine_limits();
  int64_t available = limits.memory_free;
  if (limits.cgroup_memory) available = std::min(available, *limits.cgroup_memory);
  available /= local_ranks;
  if (available <= 0 || static_cast<int64_t>(plan.total) <= available) return;
  std::string largest;
  for (const PlanLine& line : plan.lines)
    if (line.bytes > plan.total / 20)
      largest +=
          fmt::format("\n  {:<28} {}", line.name, format_bytes(static_cast<double>(line.bytes)));
  throw Error({.id = "memory.plan",
               .where = config.run.name,
               .what = fmt::format("{} needs {}, {} are free; the largest parts:{}",
                                   ranks > 1 ? "each rank of this run" : "this run",
                                   format_bytes(static_cast<double>(plan.total)),
                                   format_bytes(static_cast<double>(available)), largest),
               .remedy = advice(config, available, ranks)});
}

}  // namespace causeway
