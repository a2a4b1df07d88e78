// Trial: a config's training step on random tokens, to be timed. Read next: predict.h (`plan`),
// bench/verb_step.cpp (`bench step`).
#pragma once
#include "train/plan.h"
#include "train/step.h"

namespace causeway {

class Trial {
 public:
  /// `config` resolved, vocab_size included; must outlive the trial, as must `ops`. Runs one step,
  /// so that caches are warm and all memory is touched.
  Trial(Backend& ops, const Config& config);

  /// Seconds of one step.
  double run();

  int64_t tokens_per_step() const { return step_.tokens_per_step(); }
  const MemoryPlan& plan() const { return plan_; }

 private:
  Precision precision_;
  SingleComm comm_;
  Model model_;
  MemoryPlan plan_;
  ModelState state_;
  Arena arena_;
  TrainStep step_;
  int64_t vocab_size_, steps_ = 0;
};

}  // namespace causeway
