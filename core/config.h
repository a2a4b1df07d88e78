// The configuration of a run, section by section, as plain structs. A `std::optional` field may be
// written `auto` and is resolved before the run starts. The list of keys, their defaults, ranges
// and help is in config_fields.cpp: the only place where a key is named. Read next:
// config_fields.cpp, config_yaml.cpp (reading), docs/config.md (generated from the list).
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/attention_kernel.h"

namespace causeway {

enum class DeviceChoice : uint8_t { Auto, Cpu, Cuda };
enum class PositionKind : uint8_t { Learned, Sinusoidal, Rope, Alibi, None };
enum class NormChoice : uint8_t { LayerNorm, RmsNorm };
enum class MlpKind : uint8_t { Gelu, SwiGlu, Relu2 };
enum class PrecisionChoice : uint8_t { Fp32, Bf16 };
enum class Recompute : uint8_t { None, Mlp, Block };
enum class ScheduleKind : uint8_t { Constant, Cosine, Linear, Wsd };
enum class NonFinite : uint8_t { Stop, Skip };

struct RunConfig {
  std::string name;
  std::string dir = "runs";
  uint64_t seed = 1337;
  std::string init_from;  ///< a run or checkpoint whose weights start this run; "" = fresh
};

struct DataConfig {
  std::string source;              ///< a text file, a prepared folder, or token shards
  std::string tokenizer = "auto";  ///< byte | char | a tokenizer file; auto: the prepared folder's
  double val_fraction = 0.1;       ///< of a text that has no validation split of its own
  bool document_mask = false;      ///< attention does not cross document borders
};

struct ModelConfig {
  std::string preset;
  int64_t n_layer = 4;
  int64_t n_head = 4;
  std::optional<int64_t> n_kv_head;  ///< auto: n_head
  int64_t n_embd = 128;
  std::optional<int64_t> head_size;          ///< auto: n_embd / n_head
  std::optional<int64_t> intermediate_size;  ///< auto: 4·n_embd; swiglu: 8/3·n_embd up to 64s
  int64_t block_size = 64;
  std::optional<int64_t> vocab_size;  ///< auto: the tokenizer's
  PositionKind position = PositionKind::Learned;
  double rope_theta = 10000.0;
  NormChoice norm = NormChoice::LayerNorm;
  double norm_eps = 1e-5;
  MlpKind mlp = MlpKind::Gelu;
  bool bias = true;
  bool qk_norm = false;
  int64_t sliding_window = 0;    ///< 0: unlimited
  double attention_softcap = 0;  ///< on attention scores; 0: none
  double logit_softcap = 0;      ///< on the logits; 0: none
  bool tie_embeddings = true;
  double dropout = 0;

  // The values behind `auto`; vocab_size must have been resolved.
  int64_t kv_heads() const { return n_kv_head.value_or(n_head); }
  int64_t head_dim() const { return head_size.value_or(n_embd / n_head); }
  int64_t mlp_width() const;
  double init_std() const { return 0.02; }  ///< Radford et al. 2019 (GPT-2)
  double residual_init_std() const;         ///< of projections into the residual stream
  int64_t padded_vocab() const { return (vocab_size.value() + 127) / 128 * 128; }
};

struct TrainConfig {
  std::optional<int64_t> max_steps;  ///< exactly one of the three lengths is given
  std::optional<int64_t> max_tokens;
  std::optional<double> max_epochs;
  int64_t global_batch_size = 12;           ///< sequences per step, over all ranks
  std::optional<int64_t> micro_batch_size;  ///< auto: see resolve
  std::optional<int64_t> grad_lanes;        ///< auto: largest power of two ≤ 8 dividing M
  PrecisionChoice precision = PrecisionChoice::Fp32;
  bool master_weights = true;  ///< false: bf16 parameters, rounded stochastically
  AttentionKernel attention_kernel = AttentionKernel::Own;  ///< on a GPU
  double max_grad_norm = 1.0;                               ///< 0: no clipping
  Recompute recompute = Recompute::None;
  bool cuda_graph = false;
  int64_t threads = 0;  ///< CPU threads; 0: one per core this process may use
};

struct OptimizerConfig {
  std::string name = "adamw";
  double lr = 1e-3;
  std::array<double, 2> betas{0.9, 0.95};
  double eps = 1e-8;
  double weight_decay = 0.1;
};

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::Cosine;
  int64_t warmup_steps = 0;
  std::optional<int64_t> decay_steps;  ///< auto: the run's length; wsd: length of the final decay
  double min_lr = 0;
};

struct EvalConfig {
  int64_t every = 0;               ///< steps; 0: never
  std::optional<int64_t> batches;  ///< micro-batches; auto: the whole validation split
};

struct SampleConfig {
  int64_t every = 0;
  std::string prompt = "\n";
  int64_t tokens = 120;
  double temperature = 0.8;
};

struct CheckpointConfig {
  int64_t every = 0;  ///< steps; 0: only at the end and on a signal
  int64_t keep_last = 3;
  bool keep_best = true;
};

struct LogConfig {
  int64_t every = 10;       ///< steps between scrolling lines
  int64_t trace_steps = 0;  ///< so many first steps are traced to RUN/trace-rankR.json
};

struct GuardConfig {
  NonFinite non_finite = NonFinite::Stop;
  std::optional<double> hang_timeout;  ///< seconds; auto: max(60, 10 × the slowest step)
};

/// Where each key of a Config was set, so that whoever finds a value wrong, however late, can name
/// the line: `throw Error({.where = config.marks.where("model.block_size"), ...})`.
struct KeyMarks {
  std::string file;                                    ///< "" for a Config built in code
  std::map<std::string, std::string, std::less<>> at;  ///< "model.n_head" -> "char.yaml:13:14"

  /// The key's place; else its section's; else the file.
  std::string where(std::string_view key) const;
};

struct Config {
  RunConfig run;
  DeviceChoice device = DeviceChoice::Auto;
  DataConfig data;
  ModelConfig model;
  TrainConfig train;
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  EvalConfig eval;
  SampleConfig sample;
  CheckpointConfig checkpoint;
  LogConfig log;
  GuardConfig guard;
  KeyMarks marks;  ///< not a value: no part of the resolved file or of a comparison
};

}  // namespace causeway
