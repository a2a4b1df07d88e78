// The list of config keys; its order is that of docs/config.md and of the resolved file.
// Read next: config_fields.cpp (look-ups), config_values.cpp (what each type reads and writes).
#include "core/config_fields.h"

#include <type_traits>

namespace causeway {
namespace {

// Names of the enums, in the order of their values in config.h.
constexpr std::string_view kDevices[] = {"auto", "cpu", "cuda"};
constexpr std::string_view kPositions[] = {"learned", "sinusoidal", "rope", "alibi", "none"};
constexpr std::string_view kNorms[] = {"layernorm", "rmsnorm"};
constexpr std::string_view kMlps[] = {"gelu", "swiglu", "relu2"};
constexpr std::string_view kPrecisions[] = {"fp32", "bf16"};
constexpr std::string_view kAttentionKernels[] = {"own", "cudnn"};
constexpr std::string_view kRecomputes[] = {"none", "mlp", "block"};
constexpr std::string_view kSchedules[] = {"constant", "cosine", "linear", "wsd"};
constexpr std::string_view kNonFinites[] = {"stop", "skip"};
constexpr std::string_view kOptimizers[] = {"adamw"};

/// A pointer to the value; an enum through its one byte, which may alias anything.
template <class T>
FieldRef place(T& value) {
  if constexpr (std::is_enum_v<T>) {
    static_assert(sizeof(T) == 1);
    return ChoiceRef{reinterpret_cast<uint8_t*>(&value)};
  } else {
    return &value;
  }
}

constexpr Bounds at_least(double min) { return {.min = min}; }
constexpr Bounds above_zero() { return {.min = 0, .ends = Bounds::Ends::OpenBelow}; }
constexpr Bounds zero_to_below_one() {
  return {.min = 0, .max = 1, .ends = Bounds::Ends::OpenAbove};
}
constexpr Bounds between(double min, double max) { return {.min = min, .max = max}; }
// Upper ends keep every product of sizes far from overflow; no machine reaches them.
constexpr double kMaxSize = 1 << 24;
constexpr double kMaxCount = 1e15;

// clang-format off
constexpr Field kFields[] = {
    {.section = "run", .key = "name", .ref = [](Config& c) { return place(c.run.name); },
     .help = "The run's folder under run.dir; by default the config file's name without its "
             "ending.", .on_resume = OnResume::MayDiffer},
    {.section = "run", .key = "dir", .ref = [](Config& c) { return place(c.run.dir); },
     .help = "The folder that holds the runs.", .on_resume = OnResume::MayDiffer},
    {.section = "run", .key = "seed", .ref = [](Config& c) { return place(c.run.seed); },
     .help = "Every random choice is a function of it: initial weights, data order, dropout."},
    {.section = "run", .key = "init_from", .ref = [](Config& c) { return place(c.run.init_from); },
     .help = "A run or checkpoint whose weights start this run; empty: fresh weights."},

    {.section = "", .key = "device", .ref = [](Config& c) { return place(c.device); },
     .help = "Where the run computes; auto: cuda if there is one, else cpu.", .choices = kDevices},

    {.section = "data", .key = "source", .ref = [](Config& c) { return place(c.data.source); },
     .help = "A text file, a prepared folder, a folder of token shards, or several by weight: "
             "0.7*datasets/a + 0.3*datasets/b. On resume it is compared by content, so it may "
             "move.", .on_resume = OnResume::MayDiffer},
    {.section = "data", .key = "tokenizer",
     .ref = [](Config& c) { return place(c.data.tokenizer); },
     .help = "byte, char, or a tokenizer's file; auto: the prepared folder's own. On resume it "
             "is compared by content.", .on_resume = OnResume::MayDiffer},
    {.section = "data", .key = "val_fraction",
     .ref = [](Config& c) { return place(c.data.val_fraction); },
     .help = "The last part of a text kept for validation, where the data has no validation "
             "split of its own.", .bounds = zero_to_below_one()},
    {.section = "data", .key = "document_mask",
     .ref = [](Config& c) { return place(c.data.document_mask); },
     .help = "Attention does not look across the borders of documents."},

    {.section = "model", .key = "preset", .ref = [](Config& c) { return place(c.model.preset); },
     .help = "A published shape that fills this section, e.g. gpt2-124m; keys written beside "
             "it override it.", .on_resume = OnResume::MayDiffer},
    {.section = "model", .key = "n_layer", .ref = [](Config& c) { return place(c.model.n_layer); },
     .help = "Blocks.", .bounds = between(1, 10000)},
    {.section = "model", .key = "n_head", .ref = [](Config& c) { return place(c.model.n_head); },
     .help = "Query heads of attention.", .bounds = between(1, 65536)},
    {.section = "model", .key = "n_kv_head",
     .ref = [](Config& c) { return place(c.model.n_kv_head); },
     .help = "Key and value heads, shared by groups of query heads; auto: n_head, 1: "
             "multi-query.", .bounds = between(1, 65536)},
    {.section = "model", .key = "n_embd", .ref = [](Config& c) { return place(c.model.n_embd); },
     .help = "Width of the residual stream.", .bounds = between(1, kMaxSize)},
    {.section = "model", .key = "head_size",
     .ref = [](Config& c) { return place(c.model.head_size); },
     .help = "Width of one head; auto: n_embd / n_head.", .bounds = between(1, 65536)},
    {.section = "model", .key = "intermediate_size",
     .ref = [](Config& c) { return place(c.model.intermediate_size); },
     .help = "Width of the MLP; auto: 4 n_embd, for swiglu 8/3 n_embd rounded up to a multiple "
             "of 64.", .bounds = between(1, kMaxSize)},
    {.section = "model", .key = "block_size",
     .ref = [](Config& c) { return place(c.model.block_size); },
     .help = "Tokens in one sequence: the longest context.", .bounds = between(1, kMaxSize)},
    {.section = "model", .key = "vocab_size",
     .ref = [](Config& c) { return place(c.model.vocab_size); },
     .help = "Tokens in the vocabulary; auto: the tokenizer's.", .bounds = between(1, kMaxSize)},
    {.section = "model", .key = "position",
     .ref = [](Config& c) { return place(c.model.position); },
     .help = "How a token knows its place.", .choices = kPositions},
    {.section = "model", .key = "rope_theta",
     .ref = [](Config& c) { return place(c.model.rope_theta); },
     .help = "Base of rope's frequencies; longer contexts want a larger one.",
     .bounds = at_least(1)},
    {.section = "model", .key = "norm", .ref = [](Config& c) { return place(c.model.norm); },
     .help = "Normalisation before attention, before the MLP and at the end.", .choices = kNorms},
    {.section = "model", .key = "norm_eps",
     .ref = [](Config& c) { return place(c.model.norm_eps); },
     .help = "Added to the variance under the norm's root.", .bounds = above_zero()},
    {.section = "model", .key = "mlp", .ref = [](Config& c) { return place(c.model.mlp); },
     .help = "Activation of the MLP: gelu (tanh form), swiglu (gated, three matrices), relu2 "
             "(squared ReLU).", .choices = kMlps},
    {.section = "model", .key = "bias", .ref = [](Config& c) { return place(c.model.bias); },
     .help = "Biases in linear layers and layernorm."},
    {.section = "model", .key = "qk_norm", .ref = [](Config& c) { return place(c.model.qk_norm); },
     .help = "RMS norm of each head's queries and keys, before rope."},
    {.section = "model", .key = "sliding_window",
     .ref = [](Config& c) { return place(c.model.sliding_window); },
     .help = "A token attends to this many tokens, itself included; 0: to all before it.",
     .bounds = between(0, kMaxSize)},
    {.section = "model", .key = "attention_softcap",
     .ref = [](Config& c) { return place(c.model.attention_softcap); },
     .help = "Attention scores s become cap tanh(s / cap); 0: off.", .bounds = at_least(0)},
    {.section = "model", .key = "logit_softcap",
     .ref = [](Config& c) { return place(c.model.logit_softcap); },
     .help = "Logits z become cap tanh(z / cap); 0: off.", .bounds = at_least(0)},
    {.section = "model", .key = "tie_embeddings",
     .ref = [](Config& c) { return place(c.model.tie_embeddings); },
     .help = "The head uses the token embedding's weights."},
    {.section = "model", .key = "dropout", .ref = [](Config& c) { return place(c.model.dropout); },
     .help = "On the embedding and on both residual branches, never on attention "
             "probabilities.", .bounds = zero_to_below_one()},

    {.section = "train", .key = "max_steps",
     .ref = [](Config& c) { return place(c.train.max_steps); },
     .help = "Length of the run in steps. Give exactly one of max_steps, max_tokens, "
             "max_epochs.",
     .bounds = between(1, kMaxCount), .unset = "none", .on_resume = OnResume::MayDiffer},
    {.section = "train", .key = "max_tokens",
     .ref = [](Config& c) { return place(c.train.max_tokens); },
     .help = "Length of the run in tokens, rounded up to whole steps.",
     .bounds = between(1, kMaxCount), .unset = "none", .on_resume = OnResume::MayDiffer},
    {.section = "train", .key = "max_epochs",
     .ref = [](Config& c) { return place(c.train.max_epochs); },
     .help = "Length of the run in passes over the training tokens; may be a fraction.",
     .bounds = {.min = 0, .max = 1e9, .ends = Bounds::Ends::OpenBelow}, .unset = "none",
     .on_resume = OnResume::MayDiffer},
    {.section = "train", .key = "global_batch_size",
     .ref = [](Config& c) { return place(c.train.global_batch_size); },
     .help = "Sequences in one step, over all ranks and micro-batches.",
     .bounds = between(1, kMaxSize)},
    {.section = "train", .key = "micro_batch_size",
     .ref = [](Config& c) { return place(c.train.micro_batch_size); },
     .help = "Sequences computed at once; memory grows with it. auto: the largest divisor of "
             "global_batch_size with at most 8192 tokens.", .bounds = between(1, kMaxSize)},
    {.section = "train", .key = "grad_lanes",
     .ref = [](Config& c) { return place(c.train.grad_lanes); },
     .help = "Gradients are summed in this many lanes, then in a fixed tree; ranks must divide "
             "it. auto: the largest power of two up to 8 that divides the micro-batches of a "
             "step.", .bounds = between(1, kMaxSize)},
    {.section = "train", .key = "precision",
     .ref = [](Config& c) { return place(c.train.precision); },
     .help = "fp32, or bf16 parameters and activations with fp32 master weights, moments and "
             "sums.", .choices = kPrecisions},
    {.section = "train", .key = "master_weights",
     .ref = [](Config& c) { return place(c.train.master_weights); },
     .help = "false, with precision bf16: no fp32 copy of the parameters, 4 bytes less for each; "
             "updates are rounded to bf16 stochastically."},
    {.section = "train", .key = "attention_kernel",
     .ref = [](Config& c) { return place(c.train.attention_kernel); },
     .help = "Whose kernels compute attention on a GPU: Causeway's own, or cuDNN's, for bf16 "
             "without softcap, ALiBi and document masks.", .choices = kAttentionKernels},
    {.section = "train", .key = "max_grad_norm",
     .ref = [](Config& c) { return place(c.train.max_grad_norm); },
     .help = "Gradients with a larger global norm are scaled down to it; 0: never.",
     .bounds = at_least(0)},
    {.section = "train", .key = "recompute",
     .ref = [](Config& c) { return place(c.train.recompute); },
     .help = "What the backward computes again instead of keeping it: less memory, more time, "
             "the same bits.", .choices = kRecomputes, .on_resume = OnResume::MayDiffer},
    {.section = "train", .key = "cuda_graph",
     .ref = [](Config& c) { return place(c.train.cuda_graph); },
     .help = "A GPU is given each micro-batch, and the optimizer's step, as one graph instead of "
             "kernel by kernel: shorter pauses between kernels, the same bits. See docs/gpu.md.",
     .on_resume = OnResume::MayDiffer},
    {.section = "train", .key = "threads", .ref = [](Config& c) { return place(c.train.threads); },
     .help = "CPU threads; 0: one per core this process may use. Changes no bit of the result.",
     .bounds = between(0, 4096), .on_resume = OnResume::MayDiffer},

    {.section = "optimizer", .key = "name",
     .ref = [](Config& c) { return place(c.optimizer.name); },
     .help = "AdamW with decoupled weight decay on matrices only (arXiv:1711.05101).",
     .choices = kOptimizers},
    {.section = "optimizer", .key = "lr", .ref = [](Config& c) { return place(c.optimizer.lr); },
     .help = "Peak learning rate, after the warm-up.", .bounds = above_zero()},
    {.section = "optimizer", .key = "betas",
     .ref = [](Config& c) { return place(c.optimizer.betas); },
     .help = "Decay of the first and of the second moment.", .bounds = zero_to_below_one()},
    {.section = "optimizer", .key = "eps", .ref = [](Config& c) { return place(c.optimizer.eps); },
     .help = "Added to the root of the second moment.", .bounds = above_zero()},
    {.section = "optimizer", .key = "weight_decay",
     .ref = [](Config& c) { return place(c.optimizer.weight_decay); },
     .help = "Per step a matrix shrinks by lr times this.", .bounds = at_least(0)},

    {.section = "schedule", .key = "kind", .ref = [](Config& c) { return place(c.schedule.kind); },
     .help = "Learning rate after the warm-up: constant; cosine or linear down to min_lr; wsd: "
             "constant, then linear over the last decay_steps.", .choices = kSchedules},
    {.section = "schedule", .key = "warmup_steps",
     .ref = [](Config& c) { return place(c.schedule.warmup_steps); },
     .help = "Steps in which the learning rate rises linearly to lr.",
     .bounds = between(0, kMaxCount)},
    {.section = "schedule", .key = "decay_steps",
     .ref = [](Config& c) { return place(c.schedule.decay_steps); },
     .help = "The step at which min_lr is reached, for wsd the length of the final decay; "
             "auto: the first run's length, kept when the run is lengthened.",
     .bounds = between(1, kMaxCount)},
    {.section = "schedule", .key = "min_lr",
     .ref = [](Config& c) { return place(c.schedule.min_lr); },
     .help = "Learning rate at the end of the decay and beyond.", .bounds = at_least(0)},

    {.section = "eval", .key = "every", .ref = [](Config& c) { return place(c.eval.every); },
     .help = "Steps between validation losses; 0: never.",
     .bounds = between(0, kMaxCount), .on_resume = OnResume::MayDiffer},
    {.section = "eval", .key = "batches", .ref = [](Config& c) { return place(c.eval.batches); },
     .help = "Micro-batches of one validation loss; auto: the whole validation split.",
     .bounds = between(1, kMaxCount), .on_resume = OnResume::MayDiffer},

    {.section = "sample", .key = "every", .ref = [](Config& c) { return place(c.sample.every); },
     .help = "Steps between texts generated by the model in training; 0: never.",
     .bounds = between(0, kMaxCount), .on_resume = OnResume::MayDiffer},
    {.section = "sample", .key = "prompt", .ref = [](Config& c) { return place(c.sample.prompt); },
     .help = "The text they begin with.", .on_resume = OnResume::MayDiffer},
    {.section = "sample", .key = "tokens", .ref = [](Config& c) { return place(c.sample.tokens); },
     .help = "Their length.", .bounds = between(1, kMaxSize), .on_resume = OnResume::MayDiffer},
    {.section = "sample", .key = "temperature",
     .ref = [](Config& c) { return place(c.sample.temperature); },
     .help = "Below 1 the likely tokens become likelier; 0: always the likeliest.",
     .bounds = at_least(0), .on_resume = OnResume::MayDiffer},

    {.section = "checkpoint", .key = "every",
     .ref = [](Config& c) { return place(c.checkpoint.every); },
     .help = "Steps between checkpoints; 0: only at the end and on a signal.",
     .bounds = between(0, kMaxCount), .on_resume = OnResume::MayDiffer},
    {.section = "checkpoint", .key = "keep_last",
     .ref = [](Config& c) { return place(c.checkpoint.keep_last); },
     .help = "Checkpoints kept, newest first.",
     .bounds = between(1, 1000000), .on_resume = OnResume::MayDiffer},
    {.section = "checkpoint", .key = "keep_best",
     .ref = [](Config& c) { return place(c.checkpoint.keep_best); },
     .help = "Keep the checkpoint of the lowest validation loss too.",
     .on_resume = OnResume::MayDiffer},

    {.section = "log", .key = "every", .ref = [](Config& c) { return place(c.log.every); },
     .help = "Steps between lines on the terminal; metrics.jsonl has every step.",
     .bounds = between(1, kMaxCount), .on_resume = OnResume::MayDiffer},
    {.section = "log", .key = "trace_steps",
     .ref = [](Config& c) { return place(c.log.trace_steps); },
     .help = "Trace so many steps from the start of each rank into RUN/trace-rankR.json, for "
             "chrome://tracing: what it computes, what it waits for. 0: none.",
     .bounds = between(0, kMaxCount), .on_resume = OnResume::MayDiffer},

    {.section = "guard", .key = "non_finite",
     .ref = [](Config& c) { return place(c.guard.non_finite); },
     .help = "A loss or gradient that is not finite never reaches the weights: stop the run, "
             "or skip the step.", .choices = kNonFinites, .on_resume = OnResume::MayDiffer},
    {.section = "guard", .key = "hang_timeout",
     .ref = [](Config& c) { return place(c.guard.hang_timeout); },
     .help = "Among several ranks: seconds without progress after which one ends; auto: 10 times "
             "the longest pause so far, at least 60 (600 while starting, in the first steps and while saving).", .bounds = above_zero(), .on_resume = OnResume::MayDiffer},
};
// clang-format on

}  // namespace

std::span<const Field> config_fields() { return kFields; }

}  // namespace causeway
