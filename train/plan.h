// What a run will take, before it starts: memory by category and name, FLOPs, tokens. The figures
// come from running the real step against a measuring arena. Read next: core/arena.h.
#pragma once
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/config.h"
#include "core/model.h"
#include "train/environment.h"

namespace causeway {

struct PlanLine {
  std::string category;  ///< "state", "activations", "other"
  std::string name;
  size_t bytes = 0;
};

struct MemoryPlan {
  std::vector<PlanLine> lines;  ///< add up to total; within a category largest first
  size_t arena_bytes = 0;       ///< of the step's arena
  size_t total = 0;             ///< without the program's own base
};

/// `config` resolved, vocab_size included. `real`: the backend that will run, which is made ready
/// on the way, or one that only knows its needs. Null: only count, as for another machine.
/// With several ranks: of the one that needs most.
MemoryPlan plan_memory(const Config& config, Model& model, Preparation* real, int ranks = 1);

/// Throws Error "memory.plan" when the plan exceeds the offer, which the scratch in it must not
/// have been taken from yet; it lists the categories and their largest parts, and names settings
/// that would fit and that `ranks` can share.
void refuse_if_too_large(const MemoryPlan& plan, const Config& config, int ranks,
                         const MemoryOffer& offer);

}  // namespace causeway
