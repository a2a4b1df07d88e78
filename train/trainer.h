// Trainer: a run from its config to its last checkpoint. Opening and resuming are in
// trainer_open.cpp, the loop is in trainer.cpp, one step in step.cpp. Every rank runs all of it;
// rank 0 alone speaks and writes the run's files, but for the pieces of a checkpoint.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint.h"
#include "core/comm.h"
#include "core/error.h"
#include "core/model.h"
#include "core/model_state.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "train/checkpoint_files.h"
#include "train/metrics.h"
#include "train/run_folder.h"
#include "train/runtime.h"
#include "train/schedule.h"
#include "train/signals.h"
#include "train/step.h"
#include "train/tensorboard.h"
#include "train/terminal.h"
#include "train/trace.h"
#include "train/watchdog.h"

namespace causeway {

/// The config as the user gave it: file text and overrides, kept in the run's folder.
struct GivenConfig {
  std::string text;
  std::vector<std::string> overrides;
};

class Trainer {
 public:
  /// Opens data, device and run folder; resumes where a checkpoint is found. Nothing is written
  /// before config and data have proved sound. Throws Error for everything a user can do wrong.
  Trainer(Config config, const GivenConfig& given);

  /// Trains to the end. Ok when finished, Saved when a signal stopped it.
  ExitCode run();

 private:
  // ---- opening (trainer_open.cpp) ----
  void join_ranks();
  /// together_alive() with our progress.
  void if_alive(const std::function<void()>& action);
  void starting() { progress_.beat(Activity::Starting, position_.step); }
  void open_data();
  void open_folder(const GivenConfig& given);
  void open_console();
  void open_memory();
  void resume_or_begin();
  void resume(const std::filesystem::path& checkpoint);
  std::filesystem::path newest_checkpoint();
  void refuse_changes(const RunPosition& saved);
  Environment environment() const;
  void warn_of_changed_environment();
  void open_logs();
  void announce();

  // ---- the loop (trainer.cpp) ----
  void train_one_step();
  void end_trace_if_due();
  void guard(const StepResult& result);
  std::optional<double> evaluate_if_due();
  double evaluate();
  void sample_if_due();
  /// Rank 0 alone logs. What fails there ends the run on all ranks, after the step: require_logs().
  void as_leader(const std::function<void()>& action);
  void require_logs();
  void save(std::optional<double> val_loss);
  void prune_checkpoints();
  void record(const StepResult& result, double lr, std::optional<double> val_loss);
  void show_progress(const StepResult& result, double lr, std::optional<double> val_loss);
  ExitCode finish();
  void leave();
  void try_to_save(std::optional<double> val_loss);
  bool due(int64_t every) const { return every > 0 && position_.step % every == 0; }
  bool finished() const { return position_.step >= total_steps_; }
  bool stop_requested();
  CheckpointParts parts();

  Config config_;
  GivenConfig given_;
  Launch launch_;
  Runtime runtime_;
  Communicator* comm_ = nullptr;  ///< runtime_'s
  Dataset dataset_;
  RunFolder folder_;
  std::optional<RunLock> lock_;
  std::optional<Console> console_;
  std::optional<CheckpointStore> checkpoints_;
  std::optional<Model> model_;
  std::optional<ModelState> state_;
  Arena arena_;
  std::optional<TrainStep> step_;
  std::optional<Loader> loader_;
  std::optional<EvalLoader> eval_loader_;
  std::optional<MetricsFile> metrics_, timing_;  ///< rank 0's, like the next
  std::optional<TensorBoardFile> tensorboard_;
  std::optional<Error> log_failure_;
  SignalGuard signals_;
  Progress progress_;
  std::optional<Trace> trace_;  ///< while the first log.trace_steps steps last
  std::optional<Watchdog> watchdog_;

  LearningRate learning_rate_;
  RunPosition position_;
  int64_t total_steps_ = 0;
  int64_t first_step_ = 0;               ///< where this process began
  int64_t saved_step_ = -1;              ///< newest step on the disk
  std::optional<double> last_val_loss_;  ///< of the final step, for the final save
  int64_t skipped_in_a_row_ = 0;
  double peak_flops_ = 0;  ///< measured matmul rate, for the status line

  /// Since the last scrolling line.
  struct {
    double time = 0;
    int64_t step = 0;
    int64_t sent_bytes = 0;
  } last_line_;
  double rate_ = 0;  ///< tokens/s, of the last scrolling line's stretch or the steps since
};

}  // namespace causeway
