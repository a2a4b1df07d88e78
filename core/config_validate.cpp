// The checks in the order in which a user would want to hear of them. See config_validate.h.
#include "core/config_validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/config_values.h"
#include "core/error.h"

namespace causeway {
namespace {

/// Of an auto micro-batch: enough rows for full matmul tiles, small enough for a modest machine.
constexpr int64_t kAutoMicroBatchTokens = 8192;
constexpr int64_t kMaxAutoLanes = 8;

[[noreturn]] void fail(const Config& config, const char* id, std::string_view key, std::string what,
                       std::string remedy) {
  throw Error({.id = id,
               .where = config.marks.where(key),
               .what = std::move(what),
               .remedy = std::move(remedy)});
}

/// The largest divisor of n that is at most `limit`.
int64_t divisor_up_to(int64_t n, int64_t limit) {
  int64_t d = std::clamp<int64_t>(limit, 1, n);
  while (n % d != 0) --d;
  return d;
}

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// ---- every field by itself ----

void check_number(const Config& config, const Field& field, double value) {
  if (field.bounds.contains(value)) return;
  Config defaults;
  fail(config, "config.range", field.name(),
       fmt::format("{} is {}, but must be {}", field.name(), value, field.bounds.text()),
       fmt::format("the default is {}; see docs/config.md", format_field(field, defaults)));
}

void check_text(const Config& config, const Field& field, const std::string& value) {
  if (field.choices.empty()) return;
  if (std::find(field.choices.begin(), field.choices.end(), value) != field.choices.end()) return;
  fail(config, "config.choice", field.name(),
       fmt::format("{} must be {}, not \"{}\"", field.name(), describe_type(field), value),
       fmt::format("write {}: {}", field.key, field.choices[0]));
}

void check_fields(const Config& original) {
  Config config = original;  // a field's reference is to a mutable Config
  for (const Field& field : config_fields()) {
    const FieldRef ref = field.ref(config);
    if (const auto* text = std::get_if<std::string*>(&ref)) check_text(config, field, **text);
    if (const auto* whole = std::get_if<int64_t*>(&ref))
      check_number(config, field, static_cast<double>(**whole));
    if (const auto* real = std::get_if<double*>(&ref)) check_number(config, field, **real);
    if (const auto* pair = std::get_if<std::array<double, 2>*>(&ref))
      for (const double element : **pair) check_number(config, field, element);
    if (const auto* whole = std::get_if<std::optional<int64_t>*>(&ref); whole && **whole)
      check_number(config, field, static_cast<double>(***whole));
    if (const auto* real = std::get_if<std::optional<double>*>(&ref); real && **real)
      check_number(config, field, ***real);
  }
}

// ---- run and data ----

void check_run(const Config& config) {
  const std::string& name = config.run.name;
  const bool path_like = name.find('/') != std::string::npos || name == "." || name == "..";
  const bool control =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || path_like || control)
    fail(config, "config.run_name", "run.name",
         fmt::format("run.name \"{}\" cannot be the name of a folder", name),
         "write run: {name: my-run}; the folder around it is run.dir");
  if (config.data.source.empty())
    fail(
        config, "config.missing_key", "data.source",
        "data.source is missing: there is nothing to train on",
        "write data: {source: datasets/austen.txt, tokenizer: char}, or the path of your own text");
}

// ---- model ----

void check_heads(const Config& config) {
  const ModelConfig& m = config.model;
  if (!m.head_size && m.n_embd % m.n_head != 0)
    fail(config, "config.heads", "model.n_head",
         fmt::format("n_head {} does not divide n_embd {}", m.n_head, m.n_embd),
         fmt::format("use n_embd: {} or n_head: {}, or set head_size", round_up(m.n_embd, m.n_head),
                     divisor_up_to(m.n_embd, m.n_head)));
  if (m.n_head % m.kv_heads() != 0)
    fail(config, "config.heads", "model.n_kv_head",
         fmt::format("n_kv_head {} does not divide n_head {}", m.kv_heads(), m.n_head),
         fmt::format("use n_kv_head: {}", divisor_up_to(m.n_head, m.kv_heads())));
}

void check_positions(const Config& config) {
  const ModelConfig& m = config.model;
  if (m.position == PositionKind::Rope && m.head_dim() % 2 != 0)
    fail(config, "config.heads", m.head_size ? "model.head_size" : "model.n_head",
         fmt::format("rope turns pairs of numbers, but the head size is {}, which is odd",
                     m.head_dim()),
         fmt::format("use head_size: {}, or position: learned", m.head_dim() + 1));
  if (m.position == PositionKind::Sinusoidal && m.n_embd % 2 != 0)
    fail(config, "config.heads", "model.n_embd",
         fmt::format("sinusoidal positions need an even n_embd, not {}", m.n_embd),
         fmt::format("use n_embd: {}, or position: learned", m.n_embd + 1));
  if (m.sliding_window > m.block_size)
    fail(config, "config.sliding_window", "model.sliding_window",
         fmt::format("sliding_window {} is longer than block_size {} and would never apply",
                     m.sliding_window, m.block_size),
         fmt::format("use sliding_window: {}, or 0 for none",
                     std::max<int64_t>(1, m.block_size / 2)));
}

/// What cuDNN's attention lacks; cuda/attention_cudnn.cpp refuses operations that want it.
void check_attention_kernel(const Config& config) {
  if (config.train.attention_kernel != AttentionKernel::Cudnn) return;
  const ModelConfig& m = config.model;
  const auto refuse_if = [&](bool wanted, std::string_view key, const std::string& lack,
                             const char* remedy) {
    if (wanted)
      fail(config, "config.attention_kernel", key, fmt::format("cuDNN's attention {}", lack),
           fmt::format("use train.attention_kernel: own{}", remedy));
  };
  refuse_if(config.device == DeviceChoice::Cpu, "train.attention_kernel",
            "runs on GPUs, but device is cpu", ", or device: cuda");
  refuse_if(config.train.precision != PrecisionChoice::Bf16, "train.precision",
            "computes in bf16, but train.precision is fp32", ", or train.precision: bf16");
  refuse_if(m.head_dim() % 8 != 0, m.head_size ? "model.head_size" : "model.n_head",
            fmt::format("takes heads of whole 8s, but the head size is {}", m.head_dim()), "");
  refuse_if(m.attention_softcap > 0, "model.attention_softcap", "has no softcap", "");
  refuse_if(m.position == PositionKind::Alibi, "model.position", "has no ALiBi", "");
  refuse_if(config.data.document_mask, "data.document_mask", "has no document masks", "");
}

// ---- length, batch, schedule ----

void check_length(const Config& config) {
  const TrainConfig& t = config.train;
  std::vector<std::string_view> given;
  if (t.max_steps) given.push_back("max_steps");
  if (t.max_tokens) given.push_back("max_tokens");
  if (t.max_epochs) given.push_back("max_epochs");
  if (given.size() == 1) return;
  if (given.empty())
    fail(config, "config.length", "train", "the length of the run is missing",
         "write one of train: max_steps, max_tokens, max_epochs; e.g. train: {max_steps: 2000}");
  fail(config, "config.length", fmt::format("train.{}", given[1]),
       fmt::format("{} and {} are both given, but a run has one length", given[0], given[1]),
       fmt::format("remove one of them; {} is set at {}", given[0],
                   config.marks.where(fmt::format("train.{}", given[0]))));
}

int64_t micro_batch_size(const Config& config) {
  const TrainConfig& t = config.train;
  return t.micro_batch_size ? *t.micro_batch_size
                            : auto_micro_batch_size(t.global_batch_size, config.model.block_size);
}

void check_batch(const Config& config) {
  const TrainConfig& t = config.train;
  const int64_t micro = micro_batch_size(config);
  if (t.global_batch_size % micro != 0)
    fail(config, "config.batch", "train.micro_batch_size",
         fmt::format("micro_batch_size {} does not divide global_batch_size {}", micro,
                     t.global_batch_size),
         fmt::format("use micro_batch_size: {} or global_batch_size: {}",
                     divisor_up_to(t.global_batch_size, micro),
                     round_up(t.global_batch_size, micro)));
  if (!t.grad_lanes) return;
  const int64_t lanes = *t.grad_lanes, micro_batches = t.global_batch_size / micro;
  const bool power_of_two = (lanes & (lanes - 1)) == 0;
  if (power_of_two && micro_batches % lanes == 0) return;
  const std::string why = power_of_two
                              ? fmt::format("does not divide the {} micro-batch{} of a step",
                                            micro_batches, micro_batches == 1 ? "" : "es")
                              : "is not a power of two";
  int64_t works = 1;
  while (works * 2 <= lanes && micro_batches % (works * 2) == 0) works *= 2;
  fail(config, "config.batch", "train.grad_lanes", fmt::format("grad_lanes {} {}", lanes, why),
       fmt::format("use grad_lanes: {}, or auto", works));
}

void check_precision(const Config& config) {
  const TrainConfig& t = config.train;
  if (t.master_weights || t.precision == PrecisionChoice::Bf16) return;
  fail(config, "config.master_weights", "train.master_weights",
       "master_weights: false needs precision: bf16; fp32 parameters are their own masters",
       "use precision: bf16, or remove master_weights");
}

/// Steps of the run where they follow from the config alone.
std::optional<int64_t> known_length(const Config& config) {
  const TrainConfig& t = config.train;
  if (t.max_steps) return t.max_steps;
  const int64_t step = t.global_batch_size * config.model.block_size;
  if (t.max_tokens) return *t.max_tokens / step + (*t.max_tokens % step != 0);
  return std::nullopt;
}

void check_schedule(const Config& config) {
  const ScheduleConfig& s = config.schedule;
  if (s.min_lr > config.optimizer.lr)
    fail(config, "config.schedule", "schedule.min_lr",
         fmt::format("min_lr {} is above optimizer.lr {}", s.min_lr, config.optimizer.lr),
         fmt::format("a tenth of the peak is usual: min_lr: {:.3g}", config.optimizer.lr / 10));
  const std::optional<int64_t> length = known_length(config);
  if (length && s.warmup_steps > *length)
    fail(config, "config.schedule", "schedule.warmup_steps",
         fmt::format("warmup_steps {} is longer than the run of {} steps", s.warmup_steps, *length),
         fmt::format("use warmup_steps: {}", *length / 20));
  if (s.kind == ScheduleKind::Constant || !s.decay_steps) return;
  if (s.kind != ScheduleKind::Wsd && *s.decay_steps < s.warmup_steps)
    fail(config, "config.schedule", "schedule.decay_steps",
         fmt::format("decay_steps {} ends before the warm-up of {} steps", *s.decay_steps,
                     s.warmup_steps),
         "it is counted from the first step; use decay_steps: auto");
  if (s.kind == ScheduleKind::Wsd && length && *s.decay_steps > *length - s.warmup_steps)
    fail(config, "config.schedule", "schedule.decay_steps",
         fmt::format("warm-up {} and final decay {} do not fit into {} steps", s.warmup_steps,
                     *s.decay_steps, *length),
         fmt::format("use decay_steps: {}", std::max<int64_t>(1, (*length - s.warmup_steps) / 5)));
}

}  // namespace

int64_t auto_micro_batch_size(int64_t global_batch_size, int64_t block_size) {
  return divisor_up_to(global_batch_size, kAutoMicroBatchTokens / block_size);
}

int64_t auto_grad_lanes(int64_t micro_batches) {
  int64_t lanes = 1;
  while (lanes < kMaxAutoLanes && micro_batches % (lanes * 2) == 0) lanes *= 2;
  return lanes;
}

void validate(const Config& config) {
  check_fields(config);  // first: the others divide by what it has found positive
  check_run(config);
  check_heads(config);
  check_positions(config);
  check_attention_kernel(config);
  check_length(config);
  check_batch(config);
  check_precision(config);
  check_schedule(config);
}

void resolve(Config& config) {
  ModelConfig& m = config.model;
  m.n_kv_head = m.kv_heads();
  m.head_size = m.head_dim();
  m.intermediate_size = m.mlp_width();
  TrainConfig& t = config.train;
  t.micro_batch_size = micro_batch_size(config);
  if (!t.grad_lanes) t.grad_lanes = auto_grad_lanes(t.global_batch_size / *t.micro_batch_size);
}

}  // namespace causeway
