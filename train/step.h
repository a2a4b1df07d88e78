// TrainStep: one optimizer step, from M micro-batches to updated weights. This is the page where
// the order of every sum of a step is decided (DESIGN 4.2):
//   lane l of L sums micro-batches [l·M/L, (l+1)·M/L) in order; lanes are added up by a fixed
//   binary tree. W ranks compute L/W lanes each, a subtree, and meet at its root. So the number of
//   ranks never enters a sum.
// Read next: exchange.h (the upper levels of the tree), trainer.cpp (the loop around a step),
// core/model.cpp (the micro-batch inside it).
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "core/arena.h"
#include "core/config.h"
#include "core/model.h"
#include "core/model_state.h"
#include "data/loader.h"
#include "train/exchange.h"
#include "train/progress.h"

namespace causeway {

/// Levels of the lane tree: how many gradient buffers are needed besides the first.
int lane_levels(int64_t lanes);

/// The memory of a training run's model on one of `comm`'s ranks. `config` must be resolved.
ModelState make_training_state(Backend& ops, const Model& model, const Config& config,
                               const Communicator& comm, const Precision& precision);

struct StepResult {
  double loss = 0;       ///< nats per token, mean over the step
  double grad_norm = 0;  ///< before clipping
  bool finite = true;    ///< false: nothing was updated
};

class TrainStep {
 public:
  /// `config` must be resolved, its lanes divisible by the ranks. All views must outlive the step.
  TrainStep(Backend& ops, Communicator& comm, Arena& arena, Model& model, ModelState& state,
            const Config& config)
      : TrainStep(ops, comm, arena, model, state, config, Precision::of(config.train.precision)) {}
  /// The same in other dtypes than the config names: the reference backend's.
  TrainStep(Backend& ops, Communicator& comm, Arena& arena, Model& model, ModelState& state,
            const Config& config, const Precision& precision);

  using Fill = std::function<void(int64_t micro_batch, HostBatch& batch)>;

  /// Step `step` (0-based): micro-batches step·M … step·M + M − 1, of which this rank computes its
  /// share. Waits for the device once.
  StepResult run(int64_t step, const Fill& fill, double lr);
  /// Σ row losses of one micro-batch, without gradients, on this rank alone.
  double evaluate(const std::function<void(HostBatch&)>& fill);

  /// Tells watchdog and trace where the step is.
  void report_to(Progress& progress) { progress_ = &progress; }

  int64_t micro_batches() const { return micro_batches_; }
  int64_t tokens_per_step() const { return micro_batches_ * B_ * T_; }

 private:
  Context context(const Tensor& grads);
  void load(Context& ctx, const HostBatch& batch);
  void sum_lane(int64_t step, int64_t lane, const Fill& fill, const Tensor& grads);
  void accumulate_gradients(int64_t step, const Fill& fill);
  void finish_bucket(int bucket);
  void share_scalars();
  void update(int64_t step, double lr);
  void as_graph(std::string_view name, const std::function<void()>& work);
  StepResult read_result();
  void say(Activity activity, int bucket = -1) const;

  Backend& ops_;
  Communicator& comm_;
  Arena& arena_;
  Model& model_;
  ModelState& state_;
  const Config& config_;
  Precision precision_;
  int64_t B_, T_, micro_batches_;
  int64_t lanes_;  // of this rank
  HostBatch host_;
  Buckets buckets_;
  std::vector<AdamWSlice> slices_;
  GradientExchange exchange_;
  std::function<void(int bucket)> bucket_done_;
  Progress* progress_ = nullptr;
  int64_t step_ = 0;            // the one under way
  std::set<std::string> done_;  // pieces of a step that have been done once: they may be graphs now

  Tensor tokens_, targets_, position_, segment_start_;  // (B, T) i32, on the device
  Tensor losses_;    // (M) f64: Σ row losses of each micro-batch
  Tensor partials_;  // (⌈flat / kNormChunk⌉) f64
  Tensor scalars_;   // (kStepScalars) f64
};

}  // namespace causeway
