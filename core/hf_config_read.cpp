// Reading config.json, ours or of another trainer. A key that changes what the model computes, and
// that we do not compute, is refused by name. See hf_config.h.
#include <algorithm>

#include "core/file.h"
#include "core/hf_config.h"
#include "core/hf_fields.h"

namespace causeway {
namespace {

/// A config.json with the strictness that foreign files need; null counts as absent, as there.
class Keys {
 public:
  Keys(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  bool has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }

  template <class T>
  T get(const char* key, const T& fallback) const {
    return json_get_or<T>(json_, key, fallback, where_, "checkpoint");
  }
  template <class T>
  T need(const char* key) const {
    return json_get<T>(json_, key, where_, "checkpoint");
  }
  /// The value must be one of `allowed`, where it is given.
  template <class T>
  void expect(const char* key, std::initializer_list<T> allowed, const std::string& why) const {
    if (!has(key)) return;
    const auto value = json_as<T>(json_.at(key));
    const bool fits = value && std::find(allowed.begin(), allowed.end(), *value) != allowed.end();
    if (!fits) refuse(key, why);
  }
  /// The key must be absent.
  void expect_none(const char* key, const std::string& why) const {
    if (has(key)) refuse(key, why);
  }
  [[noreturn]] void refuse(const char* key, const std::string& why) const {
    throw Error(
        {.id = "checkpoint.unsupported",
         .where = where_,
         .what = fmt::format("\"{}\": {} is not supported: {}", key, json_.at(key).dump(), why),
         .remedy = "no other value of this key gives the model that the weights were "
                   "trained for; use the tool that wrote it"});
  }

  const Json& json() const { return json_; }
  const std::string& where() const { return where_; }

 private:
  const Json& json_;
  std::string where_;
};

/// Sets what a GPT2Config says. It has no key for biases: they are there, or (ours) zero.
void read_gpt2(const Keys& keys, ModelConfig& c) {
  keys.expect<std::string>("activation_function", {"gelu_new", "gelu_pytorch_tanh"},
                           "here gelu is the tanh form, gelu_new");
  keys.expect("scale_attn_weights", {true}, "attention scores are always divided by √D");
  keys.expect("scale_attn_by_inverse_layer_idx", {false}, "no layer scales its scores by depth");
  keys.expect("add_cross_attention", {false}, "the models here are decoders only");
  c.n_layer = keys.need<int64_t>("n_layer");
  c.n_head = keys.need<int64_t>("n_head");
  c.n_embd = keys.need<int64_t>("n_embd");
  c.block_size = keys.need<int64_t>("n_positions");
  c.intermediate_size = keys.get<int64_t>("n_inner", 4 * c.n_embd);
  c.n_kv_head = c.n_head;
  c.head_size.reset();
  c.position = PositionKind::Learned;
  c.norm = NormChoice::LayerNorm;
  c.norm_eps = keys.get("layer_norm_epsilon", 1e-5);
  c.mlp = MlpKind::Gelu;
  c.qk_norm = false;
  c.sliding_window = 0;
  c.tie_embeddings = keys.get("tie_word_embeddings", true);
  c.dropout = keys.get("resid_pdrop", 0.1);
}

/// rope_theta from wherever the versions of transformers keep it.
double read_rope(const Keys& keys) {
  double theta = keys.get("rope_theta", 10000.0);
  for (const char* place : {"rope_scaling", "rope_parameters"}) {
    if (!keys.has(place)) continue;
    const Json& rope = keys.json().at(place);
    if (!rope.is_object()) keys.refuse(place, "it must be an object");
    const Keys inner(rope, keys.where() + " in " + place);
    for (const char* type : {"rope_type", "type"})
      if (inner.get<std::string>(type, "default") != "default")
        keys.refuse(place, "positions are rotated without scaling");
    if (inner.has("factor")) keys.refuse(place, "positions are rotated without scaling");
    theta = inner.get("rope_theta", theta);
  }
  keys.expect("partial_rotary_factor", {1.0}, "rope turns whole heads");
  return theta;
}

/// The window that all layers have, 0 for none.
int64_t read_window(const Keys& keys, const std::string& model_type, const ModelConfig& c) {
  if (model_type == "llama") return 0;
  const bool qwen = model_type == "qwen3";
  const bool used = !qwen || keys.get("use_sliding_window", false);
  // Mistral's default is a window; an explicit null is none.
  const bool null = keys.json().contains("sliding_window") && !keys.has("sliding_window");
  int64_t window = used && !null ? keys.get<int64_t>("sliding_window", 4096) : 0;
  if (qwen && keys.has("layer_types")) {
    const auto types = keys.need<std::vector<std::string>>("layer_types");
    const std::string expected = types.empty() ? "" : types[0];
    const bool same = std::all_of(types.begin(), types.end(),
                                  [&](const std::string& type) { return type == expected; });
    if (!same || (expected != "full_attention" && expected != "sliding_attention"))
      keys.refuse("layer_types", "all layers are alike, full_attention or sliding_attention");
    if (expected == "full_attention") window = 0;
  } else if (qwen && window > 0) {
    const int64_t first = keys.get<int64_t>("max_window_layers", 28);
    if (first >= c.n_layer) window = 0;
    if (first > 0 && first < c.n_layer)
      keys.refuse("max_window_layers", "either all layers have the window or none");
  }
  return window > c.block_size ? 0 : window;  // longer than any sequence: it never applies
}

bool read_bias(const Keys& keys, const std::string& model_type) {
  if (model_type == "mistral") return false;  // its layers have none, whatever the keys say
  const bool attention = keys.get("attention_bias", false);
  const bool mlp = model_type == "llama" && keys.get("mlp_bias", false);
  if (attention != mlp)
    keys.refuse(attention ? "attention_bias" : "mlp_bias",
                "attention and MLP both have biases or neither");
  return attention;
}

/// Sets what a LlamaConfig, MistralConfig or Qwen3Config says; defaults as in each class.
void read_llama_family(const Keys& keys, const std::string& model_type, ModelConfig& c) {
  const bool mistral = model_type == "mistral", qwen = model_type == "qwen3";
  keys.expect<std::string>("hidden_act", {"silu", "swish"}, "the MLP is swiglu");
  c.n_layer = keys.need<int64_t>("num_hidden_layers");
  c.n_head = keys.need<int64_t>("num_attention_heads");
  c.n_embd = keys.need<int64_t>("hidden_size");
  c.intermediate_size = keys.need<int64_t>("intermediate_size");
  c.block_size = keys.need<int64_t>("max_position_embeddings");
  const int64_t kv_default = mistral ? 8 : qwen ? 32 : c.n_head;
  // An explicit null means n_head; only an absent key takes the class's own default.
  c.n_kv_head = keys.get("num_key_value_heads",
                         keys.json().contains("num_key_value_heads") ? c.n_head : kv_default);
  c.head_size.reset();
  if (qwen || keys.has("head_dim")) c.head_size = keys.get<int64_t>("head_dim", 128);
  c.position = PositionKind::Rope;
  c.rope_theta = read_rope(keys);
  c.norm = NormChoice::RmsNorm;
  c.norm_eps = keys.get("rms_norm_eps", 1e-6);
  c.mlp = MlpKind::SwiGlu;
  c.bias = read_bias(keys, model_type);
  c.qk_norm = qwen;
  c.sliding_window = read_window(keys, model_type, c);
  c.tie_embeddings = keys.get("tie_word_embeddings", false);
  c.dropout = 0;
}

/// What the keys of transformers say; the rest stays as in `start`.
ModelConfig read_foreign(const Keys& keys, const std::string& model_type,
                         const ModelConfig& start) {
  keys.expect_none("quantization_config", "weights are f32 or bf16");
  ModelConfig c = start;
  c.vocab_size = keys.need<int64_t>("vocab_size");
  if (model_type == "gpt2") read_gpt2(keys, c);
  if (model_type != "gpt2") read_llama_family(keys, model_type, c);
  c.attention_softcap = c.logit_softcap = 0;
  check_and_resolve(c, keys.where());
  return c;
}

}  // namespace

HfModel read_hf_model(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  const std::string where = path.string();
  const Json json = parse_json(read_file(path, "checkpoint"), where, "checkpoint");
  const Keys keys(json, where);
  HfModel model{.model_type = keys.need<std::string>("model_type"), .config = {}};
  const bool known = model.model_type == "gpt2" || model.model_type == "llama" ||
                     model.model_type == "mistral" || model.model_type == "qwen3";
  if (!known && model.model_type != "causeway")
    keys.refuse("model_type", "gpt2, llama, mistral, qwen3 and causeway are");
  if (known && !keys.has("causeway")) {
    model.config = read_foreign(keys, model.model_type, ModelConfig{});
    return model;
  }
  const Json ours = keys.need<Json>("causeway");
  const Json section = json_get<Json>(ours, "model", where + " in causeway", "checkpoint");
  model.config = model_from_json(section, where);
  check_and_resolve(model.config, where);
  if (known)
    check_same_model(model.config, read_foreign(keys, model.model_type, model.config), where);
  return model;
}

ModelConfig read_hf_config(const std::filesystem::path& folder) {
  return read_hf_model(folder).config;
}

}  // namespace causeway
