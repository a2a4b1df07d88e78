// How a run is opened: data, folder, memory, and either a fresh start or the newest checkpoint.
// See trainer.h.
#include "core/config_dump.h"
#include "core/config_load.h"
#include "core/config_validate.h"
#include "core/file.h"
#include "core/hf.h"
#include "core/json.h"
#include "train/agree.h"
#include "train/environment.h"
#include "train/measure.h"
#include "train/plan.h"
#include "train/run_data.h"
#include "train/together.h"
#include "train/trainer.h"
#include "train/weights.h"

namespace causeway {

Trainer::Trainer(Config config, const GivenConfig& given)
    : config_(std::move(config)),
      launch_(read_launch()),
      folder_(std::filesystem::path(config_.run.dir) / config_.run.name) {
  join_ranks();
  // One rank first: it may have to prepare the data, and the others find it in the cache.
  if_alive([&] {
    if (comm_->leads()) open_data();
  });
  if_alive([&] {
    if (!comm_->leads()) open_data();
  });
  require_lanes_for(config_, comm_->size());
  agree_on_run(*comm_, config_, environment(), dataset_.content_hash);
  open_folder(given);
  open_memory();
  resume_or_begin();
  together(*comm_, [&] { open_logs(); });
  announce();
}

void Trainer::join_ranks() {
  if (launch_.size > 1) watchdog_.emplace(progress_, launch_.rank, config_.guard.hang_timeout);
  runtime_ = make_runtime(config_.device, config_.train, launch_);
  comm_ = runtime_.comm.get();
  if (watchdog_) watchdog_->ask([this] { return comm_->failure(); });
}

void Trainer::if_alive(const std::function<void()>& action) {
  together_alive(*comm_, action, [this] { starting(); });
}

void Trainer::open_data() {
  dataset_ = open_run_data(config_);
  resolve_with_data(config_, dataset_);
  loader_.emplace(training_loader(config_, dataset_));
  if (config_.eval.every > 0) {
    if (dataset_.val.size() < 2)
      throw Error(
          {.id = "data.no_validation",
           .where = config_.marks.where("eval.every"),
           .what = fmt::format("{} has no validation split to evaluate on", config_.data.source),
           .remedy = "set data.val_fraction above 0, or eval.every to 0"});
    eval_loader_.emplace(dataset_.val, *config_.train.micro_batch_size, config_.model.block_size,
                         document_separator(config_, dataset_));
  }
  total_steps_ = total_steps(config_, loader_->windows());
}

void Trainer::open_folder(const GivenConfig& given) {
  given_ = given;
  checkpoints_.emplace(folder_.checkpoints());
  together(*comm_, [&] {
    if (!comm_->leads()) return;
    folder_.create();
    lock_.emplace(folder_);
    checkpoints_->clean_stale();
  });
  require_shared_folder(*comm_, folder_.root());
  together(*comm_, [&] { open_console(); });
  starting();
}

void Trainer::open_console() {
  if (!comm_->leads())
    console_.emplace(Terminal{.kind = TerminalKind::Silent});
  else if (launch_.launcher == Launcher::None)
    console_.emplace(detect_terminal(stdout), folder_.log());
  else  // a launcher may lend its ranks a terminal though its own output goes to a file
    console_.emplace(Terminal{}, folder_.log());
}

void Trainer::open_memory() {
  if (!runtime_.warning.empty()) console_->warn(runtime_.warning);
  Backend& ops = *runtime_.backend;
  model_.emplace(config_.model, config_.train.recompute);
  MemoryPlan plan;
  together(*comm_, [&] {
    plan = plan_memory(config_, *model_, &ops, comm_->size());
    refuse_if_too_large(plan, config_, comm_->size(), memory_offer(runtime_));
  });
  together(*comm_, [&] {
    const Precision precision = Precision::of(config_.train.precision);
    peak_flops_ = measure_peak(runtime_, precision.act);  // in memory that is not yet taken
    state_.emplace(make_training_state(ops, *model_, config_, *comm_, precision));
    arena_ = Arena(ops, plan.arena_bytes);
    step_.emplace(ops, *comm_, arena_, *model_, *state_, config_);
  });
  for (const std::string& warning : take_warnings(runtime_)) console_->warn(warning);
  starting();
}

/// Rank 0 reads and verifies all of it, and tells the others; "" where there is none.
std::filesystem::path Trainer::newest_checkpoint() {
  CheckpointStore::Found found;
  if_alive([&] {
    if (comm_->leads()) found = checkpoints_->newest_valid();
  });
  for (const std::string& warning : found.warnings) console_->warn(warning);
  return comm_->broadcast(found.checkpoint ? found.checkpoint->folder.string() : "");
}

void Trainer::resume_or_begin() {
  const std::filesystem::path checkpoint = newest_checkpoint();
  position_ = {.seed = config_.run.seed, .data_hash = dataset_.content_hash};
  std::string source;
  if (checkpoint.empty() && !config_.run.init_from.empty())
    // One rank looks, since the other run may be saving and pruning meanwhile.
    source = from_leader(*comm_, [&] { return find_model_folder(config_.run.init_from).string(); });
  together(*comm_, [&] {
    if (!checkpoint.empty()) {
      resume(checkpoint);
    } else if (!source.empty()) {
      check_tokenizer_of(source, dataset_);
      load_weights(source, *model_, *state_, *runtime_.backend);
    } else {
      state_->initialise(*runtime_.backend, config_.run.seed);
    }
  });
  starting();
  first_step_ = position_.step;
  if (!config_.schedule.decay_steps && config_.schedule.kind != ScheduleKind::Wsd)
    config_.schedule.decay_steps = total_steps_;  // and stays, however long the run becomes
  learning_rate_ = make_learning_rate(config_.schedule, config_.optimizer.lr, total_steps_);
  position_.resolved_config = to_yaml(config_);
}

void Trainer::resume(const std::filesystem::path& checkpoint) {
  refuse_changes(read_position(checkpoint));
  warn_of_changed_environment();
  CheckpointParts all = parts();
  position_ = read_checkpoint_files(checkpoint, all);
  saved_step_ = position_.step;
}

void Trainer::refuse_changes(const RunPosition& saved) {
  const Config before = load_config_text(saved.resolved_config, "state.json");
  keep_resolved(config_, before);
  std::string refused;
  for (const FieldDifference& d : differences(before, config_))
    if (!d.allowed_on_resume)
      refused += fmt::format("\n  {}: {} in the run, {} now", d.key, d.before, d.now);
  if (saved.data_hash != dataset_.content_hash)
    refused += fmt::format(
        "\n  data: other tokens than the run was trained on (hash {} in the run, {} now)",
        saved.data_hash, dataset_.content_hash);
  if (refused.empty()) return;
  throw Error(
      {.id = "config.changed",
       .where = folder_.root().string(),
       .what = fmt::format("this run stands at step {} and cannot go on with changed "
                           "settings:{}",
                           saved.step, refused),
       .remedy = fmt::format("undo the change to resume; or start another run: run.name=NEW\n"
                             "or start another run from these weights: run.name=NEW "
                             "run.init_from={}",
                             folder_.root().string())});
}

Environment Trainer::environment() const {
  return read_environment(runtime_.gpu, runtime_.gpu_libraries);
}

/// A changed program or machine is no reason to lose a run, but it ends the promise of equal bits.
void Trainer::warn_of_changed_environment() {
  if (!comm_->leads()) return;
  try {
    const std::string file = folder_.environment().string();
    const auto changes = changes_since(parse_json(read_file(file), file), environment());
    if (changes.empty()) return;
    console_->warn(
        fmt::format("this run was not always on this program and machine; equal bits are promised "
                    "from here on only to runs that change in the same place:\n  {}",
                    fmt::join(changes, "\n  ")));
  } catch (const Error& unreadable) {
    console_->warn(
        fmt::format("what this run was on before is not known: {}", unreadable.info().what));
  }
}

void Trainer::open_logs() {
  if (!comm_->leads()) return;
  folder_.write_configs(given_.text, given_.overrides, position_.resolved_config);
  replace_file(folder_.environment(), to_json(environment()).dump(2) + "\n");
  metrics_.emplace(folder_.metrics());
  timing_.emplace(folder_.timing());
  metrics_->truncate_after(position_.step);
  timing_->truncate_after(position_.step);
  tensorboard_.emplace(folder_.root(), position_.step);
}

void Trainer::announce() {
  const auto say = [&](std::string_view what, const std::string& text) {
    console_->line(fmt::format("{:<10}{}", what, text));
  };
  const ModelConfig& m = config_.model;
  say("run", folder_.root().string());
  say("device",
      fmt::format("{}{}, {}{}", comm_->size() > 1 ? fmt::format("{} ranks of ", comm_->size()) : "",
                  runtime_.device,
                  config_.train.precision == PrecisionChoice::Bf16 ? "bf16" : "fp32",
                  config_.train.master_weights ? "" : ", no master weights"));
  say("data", dataset_.description);
  say("model", fmt::format("{} parameters: {} layers, {} heads, {} wide, block {}, vocabulary {}",
                           format_count(model_->params().count()), m.n_layer, m.n_head, m.n_embd,
                           m.block_size, *m.vocab_size));
  const double epochs = static_cast<double>(total_steps_) *
                        static_cast<double>(config_.train.global_batch_size) /
                        static_cast<double>(loader_->windows());
  say("training", fmt::format("{} steps of {} tokens ({:.3g} epochs)", format_count(total_steps_),
                              format_count(step_->tokens_per_step()), epochs));
  if (position_.step > 0)
    console_->line(fmt::format("resuming at step {} of {}", format_count(position_.step),
                               format_count(total_steps_)));
}

CheckpointParts Trainer::parts() {
  return {.ops = *runtime_.backend,
          .model = *model_,
          .state = *state_,
          .precision = Precision::of(config_.train.precision).act,
          .tokenizer = dataset_.tokenizer.get(),
          .rank = comm_->rank(),
          .ranks = comm_->size()};
}

}  // namespace causeway
