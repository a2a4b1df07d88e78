// See hf_config.h. Keys as in transformers' configuration_*.py; where versions 4 and 5 spell one
// differently both spellings are written (dtype and torch_dtype, rope_theta and rope_parameters).
#include "core/hf_config.h"
#include "core/hf_fields.h"

namespace causeway {
namespace {

Json or_null(const std::optional<int64_t>& id) { return id ? Json(*id) : Json(nullptr); }

std::string_view class_of(std::string_view model_type) {
  if (model_type == "gpt2") return "GPT2LMHeadModel";
  if (model_type == "llama") return "LlamaForCausalLM";
  if (model_type == "mistral") return "MistralForCausalLM";
  if (model_type == "qwen3") return "Qwen3ForCausalLM";
  return "CausewayForCausalLM";  // no class of transformers: the name says so
}

void add_gpt2(Json& json, const ModelConfig& c) {
  json["n_layer"] = c.n_layer;
  json["n_head"] = c.n_head;
  json["n_embd"] = c.n_embd;
  json["n_inner"] = c.mlp_width();
  json["n_positions"] = c.block_size;
  json["n_ctx"] = c.block_size;
  json["activation_function"] = "gelu_new";  // the tanh form
  json["layer_norm_epsilon"] = c.norm_eps;
  json["embd_pdrop"] = c.dropout;
  json["resid_pdrop"] = c.dropout;
  json["attn_pdrop"] = 0.0;
  json["scale_attn_weights"] = true;
}

/// What llama, mistral and qwen3 share.
void add_llama_family(Json& json, const ModelConfig& c) {
  json["num_hidden_layers"] = c.n_layer;
  json["num_attention_heads"] = c.n_head;
  json["num_key_value_heads"] = c.kv_heads();
  json["hidden_size"] = c.n_embd;
  json["head_dim"] = c.head_dim();
  json["intermediate_size"] = c.mlp_width();
  json["max_position_embeddings"] = c.block_size;
  json["hidden_act"] = "silu";
  json["rms_norm_eps"] = c.norm_eps;
  json["rope_theta"] = c.rope_theta;
  json["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", c.rope_theta}};
  json["attention_dropout"] = 0.0;
}

void add_window(Json& json, const ModelConfig& c, std::string_view model_type) {
  const bool window = c.sliding_window > 0;
  json["sliding_window"] = window ? Json(c.sliding_window) : Json(nullptr);
  if (model_type != "qwen3") return;
  // Qwen3 leaves its first max_window_layers layers without a window; ours all have one.
  json["use_sliding_window"] = window;
  json["max_window_layers"] = window ? 0 : c.n_layer;
  json["layer_types"] = std::vector<std::string>(static_cast<size_t>(c.n_layer),
                                                 window ? "sliding_attention" : "full_attention");
}

}  // namespace

Json hf_config_json(const ModelConfig& c, DType dtype, const HfTokenIds& ids) {
  const std::string model_type = choose_hf(c).model_type;
  Json json;
  json["architectures"] = Json::array({std::string(class_of(model_type))});
  json["model_type"] = model_type;
  json["vocab_size"] = c.vocab_size.value();
  if (model_type == "gpt2") add_gpt2(json, c);
  if (model_type == "llama") json["mlp_bias"] = c.bias;
  if (model_type == "llama" || model_type == "qwen3") json["attention_bias"] = c.bias;
  if (model_type != "gpt2" && model_type != "causeway") add_llama_family(json, c);
  if (model_type == "mistral" || model_type == "qwen3") add_window(json, c, model_type);
  json["tie_word_embeddings"] = c.tie_embeddings;
  json["initializer_range"] = c.init_std();
  json["use_cache"] = true;
  // Null, not absent: the classes' defaults are the ids of other vocabularies.
  json["bos_token_id"] = or_null(ids.bos);
  json["eos_token_id"] = or_null(ids.eos);
  for (const char* key : {"torch_dtype", "dtype"})
    json[key] = dtype == DType::BF16 ? "bfloat16" : "float32";
  json["causeway"]["model"] = model_to_json(c);
  return json;
}

}  // namespace causeway
