// See plan.h.
#include "train/plan.h"

#include <algorithm>

#include "core/plan_backend.h"
#include "train/generate.h"
#include "train/step.h"
#include "train/terminal.h"

namespace causeway {
namespace {
constexpr std::string_view kScratchLine = "library and kernel scratch";
}

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
    plan.lines.push_back({"other", std::string(kScratchLine), scratch});
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

std::string advice(const MemoryPlan& plan, const Config& config, int ranks, int64_t available) {
  size_t scratch = 0;  // libraries tell of theirs only when asked: smaller products need no more
  for (const PlanLine& line : plan.lines)
    if (line.name == kScratchLine) scratch = line.bytes;
  for (const auto& [text, smaller] : smaller_settings(config, ranks)) {
    Model model(smaller.model, smaller.train.recompute);
    const size_t needed = plan_memory(smaller, model, nullptr, ranks).total + scratch;
    if (static_cast<int64_t>(needed) <= available)
      return fmt::format("this fits, in {}: {}", format_bytes(static_cast<double>(needed)), text);
  }
  const bool fp32 = config.train.precision == PrecisionChoice::Fp32;
  return fmt::format("no batch size makes this model fit here: choose a smaller one{}",
                     fp32                          ? ", or train.precision=bf16"
                     : config.train.master_weights ? ", or train.master_weights=false"
                                                   : "");
}

/// A line per category, below it its parts that are more than a twentieth of all.
std::string by_category(const MemoryPlan& plan) {
  std::string text;
  const auto add = [&](std::string_view indent, std::string_view name, size_t bytes) {
    text += fmt::format("\n{}{:<{}} {}", indent, name, 30 - indent.size(),
                        format_bytes(static_cast<double>(bytes)));
  };
  for (size_t first = 0; first < plan.lines.size();) {
    const std::string& category = plan.lines[first].category;
    size_t end = first, sum = 0;
    for (; end < plan.lines.size() && plan.lines[end].category == category; ++end)
      sum += plan.lines[end].bytes;
    add("  ", category, sum);
    for (; first < end; ++first)
      if (plan.lines[first].bytes > plan.total / 20)
        add("    ", plan.lines[first].name, plan.lines[first].bytes);
  }
  return text;
}

}  // namespace

void refuse_if_too_large(const MemoryPlan& plan, const Config& config, int ranks,
                         const MemoryOffer& offer) {
  if (offer.bytes <= 0 || static_cast<int64_t>(plan.total) <= offer.bytes) return;
  throw Error({.id = "memory.plan",
               .where = config.run.name,
               .what = fmt::format("{} needs {}, of which {} has {} free{}:{}",
                                   ranks > 1 ? "each rank of this run" : "this run",
                                   format_bytes(static_cast<double>(plan.total)), offer.whose,
                                   format_bytes(static_cast<double>(offer.bytes)),
                                   ranks > 1 ? " for each" : "", by_category(plan)),
               .remedy = advice(plan, config, ranks, offer.bytes)});
}

}  // namespace causeway
