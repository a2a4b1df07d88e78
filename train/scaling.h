// How a run would do on many ranks: a model of a step's time from a few measured rates. It says
// what is computed, what is sent, and what of that hides behind the backward pass. Read next:
// docs/scaling.md, exchange.h (what is sent), verb_plan.cpp (who prints it).
#pragma once
#include <cstdint>

#include "core/config.h"
#include "core/params.h"

namespace causeway {

/// What one rank's step costs: seconds = micro-batches · micro_batch + update.
struct StepCost {
  double micro_batch = 0;
  double update = 0;  ///< of all parameters; ranks share it
};

/// From FLOPs alone: at `flops` per second, of which a step reaches `share`.
StepCost cost_by_flops(const Config& config, double flops, double share);

/// What ranks and their links do. The defaults of links are those of one node with NVLink or shared
/// memory divided by a good margin; a run on real links should be given its own (plan --help).
struct MachineRates {
  StepCost cost;
  double bandwidth = 20e9;  ///< bytes/s that a rank sends while it receives as much: β
  double latency = 10e-6;   ///< seconds per message: α
};

struct ScalingPlan {
  int64_t gradient_bytes = 0;    ///< sent per rank and step: (W − 1)/W · 4 bytes per parameter
  int64_t parameter_bytes = 0;   ///< sent per rank and step: (W − 1)/W · a parameter's bytes
  double compute_seconds = 0;    ///< of a step, on each rank
  double gradient_seconds = 0;   ///< on the links
  double parameter_seconds = 0;  ///< on the links
  double exposed_seconds = 0;    ///< of both, what does not hide behind the last backward pass
  double step_seconds = 0;
  double tokens_per_second = 0;
  double efficiency = 0;  ///< tokens/s against W times those of one rank
};

/// `config` must be resolved. Time on links: messages · α + bytes / β. Gradients travel during the
/// last micro-batch's backward pass, two thirds of its time; parameters after it.
ScalingPlan plan_scaling(const Config& config, const ParamTable& params, int ranks,
                         const MachineRates& rates);

}  // namespace causeway
