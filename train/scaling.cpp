// See scaling.h.
#include "train/scaling.h"

#include <algorithm>

#include "core/buckets.h"
#include "core/context.h"
#include "train/flops.h"

namespace causeway {

StepCost cost_by_flops(const Config& config, double flops, double share) {
  const double tokens =
      static_cast<double>(*config.train.micro_batch_size * config.model.block_size);
  return {.micro_batch = flops_per_token(config.model) * tokens / (flops * share), .update = 0};
}

ScalingPlan plan_scaling(const Config& config, const ParamTable& params, int ranks,
                         const MachineRates& rates) {
  const TrainConfig& train = config.train;
  const double tokens = static_cast<double>(train.global_batch_size * config.model.block_size);
  const double sent_share = static_cast<double>(ranks - 1) / ranks;
  const double elements = static_cast<double>(params.flat_size());
  const Precision precision = Precision::of(train.precision);
  const double messages = (ranks - 1.0) * Buckets(params, ranks).count();

  ScalingPlan plan;
  plan.gradient_bytes =
      static_cast<int64_t>(sent_share * elements * static_cast<double>(dtype_size(precision.grad)));
  plan.parameter_bytes =
      static_cast<int64_t>(sent_share * elements * static_cast<double>(dtype_size(precision.act)));
  const double micro_batches_per_rank =
      static_cast<double>(train.global_batch_size / *train.micro_batch_size) / ranks;
  plan.compute_seconds =
      micro_batches_per_rank * rates.cost.micro_batch + rates.cost.update / ranks;
  const auto on_links = [&](int64_t bytes) {
    return messages * rates.latency + static_cast<double>(bytes) / rates.bandwidth;
  };
  plan.gradient_seconds = on_links(plan.gradient_bytes);
  plan.parameter_seconds = on_links(plan.parameter_bytes);
  const double last_backward = rates.cost.micro_batch * 2 / 3;
  plan.exposed_seconds =
      std::max(0.0, plan.gradient_seconds - last_backward) + plan.parameter_seconds;
  plan.step_seconds = plan.compute_seconds + plan.exposed_seconds;
  plan.tokens_per_second = tokens / plan.step_seconds;
  plan.efficiency = plan.compute_seconds / plan.step_seconds;
  return plan;
}

}  // namespace causeway
