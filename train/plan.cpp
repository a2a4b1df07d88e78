// See plan.h.
#include "train/plan.h"

#include <algorithm>

#include "core/plan_backend.h"
#include "train/generate.h"
#include "train/step.h"

namespace causeway {

MemoryPlan plan_memory(const Config& config, Model& model, Backend* real) {
  const auto backend = make_plan_backend(real);
  const Precision precision = Precision::of(config.train.precision);
  ModelState state(*backend, model.config(), model.params(), precision, StateUse::Training,
                   1 + lane_levels(config.train.grad_lanes.value()));
  Arena arena;
  TrainStep step(*backend, arena, model, state, config);
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

}  // namespace causeway
