// See config_names.h.
#include "core/config_names.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "core/config_fields.h"
#include "core/error.h"

namespace causeway {
namespace {

struct Foreign {
  std::string_view ours;
  std::string_view theirs;  ///< words of Hugging Face, nanoGPT, llama2.c, llm.c, Megatron, ...
};

constexpr Foreign kForeign[] = {
    {"run.name", "run_name experiment wandb_run_name"},
    {"run.dir", "out_dir output_dir log_dir save_dir"},
    {"run.seed", "random_seed"},
    {"run.init_from", "init_weights pretrained pretrained_model load_from resume_from finetune"},
    {"data.source", "dataset train_file train_data input data_path path data_dir text"},
    {"data.tokenizer", "vocab_source tokenizer_path tokenizer_name tokenizer_file"},
    {"data.val_fraction", "val_split validation_fraction validation_split val_ratio test_size"},
    {"model.n_layer", "num_hidden_layers n_layers num_layers layers depth"},
    {"model.n_head", "num_attention_heads n_heads num_heads heads"},
    {"model.n_kv_head", "num_key_value_heads n_kv_heads num_kv_heads kv_heads num_query_groups"},
    {"model.n_embd", "hidden_size d_model dim n_embed embed_dim embedding_size width model_dim"},
    {"model.head_size", "head_dim d_head kv_channels"},
    {"model.intermediate_size",
     "n_inner ffn_dim ffn_hidden_size ffn_size hidden_dim d_ff mlp_hidden mlp_width ffn"},
    {"model.block_size",
     "max_position_embeddings context_length seq_len seq_length sequence_length max_seq_len "
     "max_seq_length context_size context n_ctx n_positions"},
    {"model.vocab_size", "vocab n_vocab padded_vocab_size vocabulary_size"},
    {"model.position", "pos_emb position_embedding positional_encoding position_embedding_type"},
    {"model.rope_theta", "rope_base rotary_base rotary_emb_base"},
    {"model.norm", "norm_type normalization"},
    {"model.norm_eps", "rms_norm_eps layer_norm_epsilon layer_norm_eps norm_epsilon"},
    {"model.mlp", "activation activation_function hidden_act mlp_type"},
    {"model.bias", "use_bias add_bias_linear attention_bias mlp_bias"},
    {"model.qk_norm", "qk_layernorm use_qk_norm"},
    {"model.sliding_window", "window window_size attention_window"},
    {"model.attention_softcap", "attn_logit_softcapping"},
    {"model.logit_softcap", "final_logit_softcapping logits_soft_cap"},
    {"model.tie_embeddings", "tie_word_embeddings weight_tying tie_weights"},
    {"model.dropout", "resid_pdrop embd_pdrop attn_pdrop dropout_rate hidden_dropout"},
    {"train.max_steps",
     "max_iters num_steps num_iterations steps total_steps iterations max_iterations train_iters"},
    {"train.max_tokens", "num_tokens total_tokens train_tokens"},
    {"train.max_epochs", "epochs num_epochs num_train_epochs"},
    {"train.global_batch_size", "batch_size total_batch_size global_batch train_batch_size batch"},
    {"train.micro_batch_size",
     "micro_batch device_batch_size per_device_train_batch_size per_device_batch_size "
     "gradient_accumulation_steps grad_accum_steps accumulate_grad_batches"},
    {"train.precision", "dtype mixed_precision"},
    {"train.master_weights", "use_master_weights fp32_master_weights main_params"},
    {"train.attention_kernel", "attn_implementation attention_backend flash_attention"},
    {"train.max_grad_norm",
     "grad_clip clip_grad gradient_clip gradient_clipping clip gradient_clip_val"},
    {"train.recompute", "gradient_checkpointing activation_checkpointing"},
    {"train.threads", "num_threads n_threads num_workers"},
    {"optimizer.name", "optim optimizer_type"},
    {"optimizer.lr", "learning_rate max_lr peak_lr"},
    {"optimizer.betas", "beta1 beta2 adam_beta1 adam_beta2"},
    {"optimizer.eps", "adam_eps adam_epsilon epsilon"},
    {"optimizer.weight_decay", "wd decay"},
    {"schedule.kind", "lr_scheduler lr_scheduler_type lr_schedule lr_decay_style schedule_type"},
    {"schedule.warmup_steps", "warmup_iters warmup num_warmup_steps lr_warmup_iters"},
    {"schedule.decay_steps", "lr_decay_iters decay_iters lr_decay_steps"},
    {"schedule.min_lr", "final_lr lr_min min_learning_rate learning_rate_min"},
    {"eval.every", "eval_interval eval_every eval_steps val_every evaluation_interval"},
    {"eval.batches", "eval_iters eval_batches val_batches val_max_steps"},
    {"sample.every", "sample_every sample_interval genevery"},
    {"sample.prompt", "start"},
    {"sample.tokens", "max_new_tokens n_tokens num_tokens length"},
    {"checkpoint.every", "save_interval save_every save_steps checkpoint_every"},
    {"checkpoint.keep_last", "save_total_limit keep keep_n"},
    {"checkpoint.keep_best", "save_best"},
    {"log.every", "log_interval logging_steps log_every log_interval_steps"},
    {"guard.hang_timeout", "timeout nccl_timeout"},
};

bool has_word(std::string_view words, std::string_view word) {
  for (size_t begin = 0; begin < words.size();) {
    const size_t end = std::min(words.find(' ', begin), words.size());
    if (words.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

/// "train.lr" seen from section train is "lr".
std::string seen_from(std::string_view section, std::string_view name) {
  const bool inside = !section.empty() && name.size() > section.size() &&
                      name.substr(0, section.size()) == section && name[section.size()] == '.';
  return std::string(inside ? name.substr(section.size() + 1) : name);
}

std::string foreign_meaning(std::string_view section, std::string_view word) {
  std::string elsewhere;
  for (const auto& [ours, theirs] : kForeign) {
    if (!has_word(theirs, word)) continue;
    std::string name = seen_from(section, ours);
    if (name.find('.') == std::string::npos) return name;  // its own section speaks first
    if (elsewhere.empty()) elsewhere = std::move(name);
  }
  return elsewhere;
}

}  // namespace

std::string suggest_key(std::string_view section, std::string_view key) {
  std::string word(key);
  for (char& c : word)
    c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::vector<std::string> here = keys_of(section);
  if (std::find(here.begin(), here.end(), word) != here.end()) return word;
  if (std::string meant = foreign_meaning(section, word); !meant.empty()) return meant;
  for (const Field& field : config_fields())
    if (field.key == word) return field.name();  // the right key in the wrong section
  if (std::string near = did_you_mean(word, here); !near.empty()) return near;
  // A misspelt key in the wrong section.
  std::vector<std::string> keys;
  for (const Field& field : config_fields()) keys.emplace_back(field.key);
  const std::string near = did_you_mean(word, keys);
  for (const Field& field : config_fields())
    if (!near.empty() && field.key == near) return field.name();
  return "";
}

}  // namespace causeway
