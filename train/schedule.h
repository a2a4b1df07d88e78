// The learning rate as a pure function of the step, so that a resumed run needs no state for it.
// Read next: trainer.h, which asks for it once per step.
#pragma once
#include <cstdint>

#include "core/config.h"

namespace causeway {

/// A curve with everything `auto` resolved. Steps are 0-based optimizer steps.
///   step < warmup_steps:  peak · (step + 1) / (warmup_steps + 1), as nanoGPT does
///   step < decay_begin:   peak
///   step < decay_end:     from peak to min, by a cosine (cosine) or a line (linear, wsd)
///   afterwards:           min
struct LearningRate {
  ScheduleKind kind = ScheduleKind::Constant;
  double peak = 0, min = 0;
  int64_t warmup_steps = 0;
  int64_t decay_begin = 0, decay_end = 0;  ///< not used by Constant

  double at(int64_t step) const;
};

/// The curve of a config. cosine and linear decay from the end of the warm-up until `decay_steps`
/// (auto: max_steps); wsd decays over the last `decay_steps` of the run (auto: a fifth of it).
/// Throws Error "config.schedule" if warm-up and decay do not fit or min_lr exceeds the peak.
LearningRate make_learning_rate(const ScheduleConfig& schedule, double peak, int64_t max_steps);

}  // namespace causeway
