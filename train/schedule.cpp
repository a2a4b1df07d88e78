// See schedule.h.
#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace causeway {

double LearningRate::at(int64_t step) const {
  if (step < warmup_steps) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps + 1);
  }
  if (kind == ScheduleKind::Constant || step < decay_begin) return peak;
  if (step >= decay_end) return min;
  const double ratio =
      static_cast<double>(step - decay_begin) / static_cast<double>(decay_end - decay_begin);
  const double left =
      kind == ScheduleKind::Cosine ? 0.5 * (1.0 + std::cos(std::numbers::pi * ratio)) : 1.0 - ratio;
  return min + left * (peak - min);
}

LearningRate make_learning_rate(const ScheduleConfig& schedule, double peak, int64_t max_steps) {
  LearningRate rate{.kind = schedule.kind,
                    .peak = peak,
                    .min = schedule.min_lr,
                    .warmup_steps = schedule.warmup_steps};
  if (rate.kind == ScheduleKind::Constant) return rate;
  if (rate.min > peak) {
    throw Error({.id = "config.schedule",
                 .where = "schedule.min_lr",
                 .what = fmt::format("min_lr {} is above optimizer.lr {}", rate.min, peak),
                 .remedy = "lower schedule.min_lr or raise optimizer.lr"});
  }
  if (rate.kind == ScheduleKind::Wsd) {
    // A fifth of the run: the share at which Hägele et al. 2024 (arXiv:2405.18392) match a cosine.
    const int64_t length = schedule.decay_steps.value_or(std::max<int64_t>(1, max_steps / 5));
    rate.decay_begin = max_steps - length;
    rate.decay_end = max_steps;
  } else {
    rate.decay_begin = rate.warmup_steps;
    rate.decay_end = schedule.decay_steps.value_or(max_steps);
  }
  if (rate.decay_begin < rate.warmup_steps || rate.decay_end < rate.decay_begin) {
    throw Error(
        {.id = "config.schedule",
         .where = "schedule",
         .what = fmt::format("a warm-up of {} steps and a decay in steps {} to {} do not "
                             "fit into a run of {} steps",
                             rate.warmup_steps, rate.decay_begin, rate.decay_end, max_steps),
         .remedy = "lower schedule.warmup_steps, or change schedule.decay_steps"});
  }
  return rate;
}

}  // namespace causeway
