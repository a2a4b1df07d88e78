// The training loop. See trainer.h; how a run is opened is in trainer_open.cpp.
#include "train/trainer.h"

#include <cmath>

#include "train/flops.h"
#include "train/generate.h"
#include "train/measure.h"
#include "train/together.h"

namespace causeway {
namespace {
/// With guard.non_finite: skip, so many useless steps in a row end the run all the same.
constexpr int64_t kMostSkipped = 20;

/// Of one micro-batch, or several.
struct EvalSum {
  double loss = 0;  ///< Σ row losses
  int64_t targets = 0;
};
}  // namespace

ExitCode Trainer::run() {
  if (finished()) {
    leave();
    console_->line(
        fmt::format("already finished: {} of {} steps are done. To go on, raise "
                    "train.max_steps (or max_tokens, max_epochs)",
                    format_count(position_.step), format_count(total_steps_)));
    return ExitCode::Ok;
  }
  last_line_ = {now_seconds(), position_.step, comm_->bytes_sent()};
  step_->report_to(progress_);
  if (config_.log.trace_steps > 0)
    trace_.emplace(comm_->rank(), [this] { runtime_.backend->synchronize(); });
  progress_.listen([this](Activity activity, int64_t step, int bucket) {
    if (trace_) trace_->beat(activity, step, bucket);
    if (bucket < 0) runtime_.show_phase(std::string(activity_name(activity)));
  });
  while (!finished() && !stop_requested()) train_one_step();
  require_logs();
  const ExitCode code = finish();
  leave();
  return code;
}

void Trainer::leave() {
  progress_.beat(Activity::Leaving, position_.step);
  if (watchdog_) watchdog_->ask({});  // a communicator that is being left is not asked
  comm_->leave();
  watchdog_.reset();
}

bool Trainer::stop_requested() { return comm_->any(signals_.received() != 0 || log_failure_); }

void Trainer::as_leader(const std::function<void()>& action) {
  if (!comm_->leads() || log_failure_) return;
  try {
    action();
  } catch (const std::exception& error) {
    log_failure_ = as_error(error);
  }
}

void Trainer::require_logs() {
  together(*comm_, [&] {
    if (log_failure_) throw Error(*log_failure_);
  });
}

void Trainer::train_one_step() {
  const double lr = learning_rate_.at(position_.step);
  const StepResult result = step_->run(
      position_.step, [this](int64_t i, HostBatch& batch) { loader_->fill(i, batch); }, lr);
  guard(result);
  ++position_.step;
  position_.tokens += step_->tokens_per_step();
  end_trace_if_due();

  const std::optional<double> val_loss = evaluate_if_due();
  as_leader([&] {
    record(result, lr, val_loss);
    show_progress(result, lr, val_loss);
  });
  sample_if_due();
  if (due(config_.checkpoint.every) && !finished()) try_to_save(val_loss);
  if (finished()) last_val_loss_ = val_loss;
}

void Trainer::end_trace_if_due() {
  const bool due = position_.step - first_step_ >= config_.log.trace_steps || finished();
  if (!trace_ || !due) return;
  trace_->end();
  try {
    together(*comm_, [&] { trace_->write(folder_.trace(comm_->rank())); });
  } catch (const Error& error) {
    console_->warn(fmt::format("a trace could not be written, training goes on\n{}", error.what()));
  }
  trace_.reset();
}

void Trainer::guard(const StepResult& result) {
  if (result.finite) {
    skipped_in_a_row_ = 0;
    return;
  }
  const int64_t step = position_.step + 1;
  const bool skip = config_.guard.non_finite == NonFinite::Skip;
  if (skip && ++skipped_in_a_row_ <= kMostSkipped) {
    ++position_.skipped;
    console_->warn(
        fmt::format("step {}: loss {} and gradient norm {} are not finite; the step was "
                    "skipped, no weight changed",
                    step, result.loss, result.grad_norm));
    return;
  }
  try_to_save({});  // the weights are those of the last good step
  throw Error({.id = "guard.non_finite",
               .where = fmt::format("{}, step {}", folder_.root().string(), step),
               .what = fmt::format(
                   "loss {}, gradient norm {}: no number any more. The weights were "
                   "not touched; {}",
                   result.loss, result.grad_norm,
                   saved_step_ == position_.step ? fmt::format("step {} is saved", position_.step)
                                                 : "the last good step could not be saved"),
               .remedy = "lower optimizer.lr, lengthen schedule.warmup_steps or lower "
                         "train.max_grad_norm,\nand start anew from an earlier checkpoint: "
                         "run.name=NEW run.init_from=" +
                         folder_.root().string()});
}

std::optional<double> Trainer::evaluate_if_due() {
  if (!eval_loader_) return {};
  const bool saving = due(config_.checkpoint.every);
  if (!due(config_.eval.every) && !saving && !finished()) return {};
  return evaluate();
}

double Trainer::evaluate() {
  const int64_t batches =
      std::min(config_.eval.batches.value_or(eval_loader_->batches()), eval_loader_->batches());
  // Rank r evaluates batches r, r + W, …; everybody sums all of them in index order, in double.
  std::vector<EvalSum> mine;
  for (int64_t i = comm_->rank(); i < batches; i += comm_->size()) {
    progress_.beat(Activity::Evaluating, position_.step);
    EvalSum& batch = mine.emplace_back();
    batch.loss =
        step_->evaluate([&](HostBatch& host) { batch.targets = eval_loader_->fill(i, host); });
  }
  const std::vector<std::vector<EvalSum>> all = gather_values(*comm_, mine);
  EvalSum total;
  for (int64_t i = 0; i < batches; ++i) {
    const EvalSum& batch = all[i % comm_->size()][i / comm_->size()];
    total.loss += batch.loss, total.targets += batch.targets;
  }
  return total.loss / static_cast<double>(total.targets);
}

void Trainer::record(const StepResult& result, double lr, std::optional<double> val_loss) {
  metrics_->append(MetricsRecord{.step = position_.step,
                                 .tokens = position_.tokens,
                                 .loss = result.loss,
                                 .val_loss = val_loss,
                                 .grad_norm = result.grad_norm,
                                 .lr = lr});
  tensorboard_->add(position_.step,
                    {{"loss/train", result.loss}, {"grad_norm", result.grad_norm}, {"lr", lr}});
  if (val_loss) tensorboard_->add(position_.step, {{"loss/val", *val_loss}});
}

void Trainer::show_progress(const StepResult& result, double lr, std::optional<double> val_loss) {
  const double now = now_seconds();
  const int64_t steps = position_.step - last_line_.step;
  const double seconds = now - last_line_.time;
  rate_ = static_cast<double>(steps * step_->tokens_per_step()) / seconds;
  const double per_step = seconds / static_cast<double>(steps);
  console_->status(
      {.step = position_.step,
       .max_steps = total_steps_,
       .loss = result.loss,
       .tokens_per_second = rate_,
       .peak_share = rate_ * flops_per_token(config_.model) / (peak_flops_ * comm_->size()),
       .eta_seconds = per_step * static_cast<double>(total_steps_ - position_.step)});
  if (!due(config_.log.every) && !val_loss && !finished() && position_.step != first_step_ + 1)
    return;
  console_->line(fmt::format("step {:>6}/{}  loss {:.4f}{}  lr {:.2e}  grad {:.3f}  {:>7} tok/s",
                             position_.step, total_steps_, result.loss,
                             val_loss ? fmt::format("  val {:.4f}", *val_loss) : "", lr,
                             result.grad_norm, format_count(std::llround(rate_))));
  timing_->append(
      TimingRecord{.step = position_.step,
                   .seconds = per_step,
                   .tokens_per_second = rate_,
                   .resident_bytes = resident_bytes(),
                   .sent_bytes = (comm_->bytes_sent() - last_line_.sent_bytes) / steps});
  tensorboard_->add(position_.step, {{"tokens_per_second", rate_}});
  last_line_ = {now_seconds(), position_.step, comm_->bytes_sent()};
}

void Trainer::sample_if_due() {
  if (!dataset_.tokenizer ||
      !(due(config_.sample.every) || (config_.sample.every > 0 && finished())))
    return;
  progress_.beat(Activity::Sampling, position_.step);
  as_leader([&] {
    const Tokenizer& tokenizer = *dataset_.tokenizer;
    const std::string text = sample_text(*runtime_.backend, *model_, *state_, config_, tokenizer);
    folder_.write_sample(position_.step, text);
    console_->line(fmt::format("---- sample at step {} ----\n{}\n----", position_.step, text));
  });
}

void Trainer::try_to_save(std::optional<double> val_loss) {
  require_logs();  // a checkpoint promises the lines of all its steps
  try {
    save(val_loss);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::Disk || finished() || stop_requested()) throw;
    console_->warn(
        fmt::format("step {} could not be saved, training goes on; the next save tries "
                    "again\n{}",
                    position_.step, error.what()));
  }
}

void Trainer::save(std::optional<double> val_loss) {
  if (saved_step_ == position_.step) return;
  progress_.beat(Activity::Saving, position_.step);
  together(*comm_, [&] {
    if (metrics_) metrics_->sync();
  });
  if (val_loss && (!position_.best_val_loss || *val_loss < *position_.best_val_loss))
    position_.best_val_loss = val_loss;
  save_together(*comm_, *checkpoints_, position_.step, val_loss,
                [this](const std::filesystem::path& folder) {
                  write_checkpoint_files(folder, parts(), position_);
                });
  saved_step_ = position_.step;
  prune_checkpoints();
}

/// What cannot be removed now is tried again after the next save.
void Trainer::prune_checkpoints() {
  if (!comm_->leads()) return;
  try {
    checkpoints_->prune(config_.checkpoint.keep_last,
                        config_.checkpoint.keep_best ? KeepBest::Yes : KeepBest::No);
  } catch (const Error& error) {
    console_->warn(fmt::format("older checkpoints could not be removed\n{}", error.what()));
  }
}

ExitCode Trainer::finish() {
  console_->clear_status();
  if (saved_step_ != position_.step) save(last_val_loss_);
  if (finished()) {
    console_->line(fmt::format("finished: step {}, saved in {}", position_.step,
                               folder_.checkpoints().string()));
    return ExitCode::Ok;
  }
  console_->line(
      fmt::format("stopped by {}: step {} of {} is saved. Run the same command again to "
                  "go on",
                  signals_.received() ? signal_name(signals_.received()) : "another rank's signal",
                  position_.step, total_steps_));
  return ExitCode::Saved;
}

}  // namespace causeway
