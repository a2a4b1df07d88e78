// Foreign Hugging Face folders: configs of other trainers, what is refused and in which words.
#include "core/hf.h"
#include "tests/core/hf_check.h"
#include "tests/places.h"

namespace causeway::test {
namespace {

using Catch::Contains;

Json foreign_gpt2() {
  return Json::parse(R"({"model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024,
      "n_ctx": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": null,
      "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05, "resid_pdrop": 0.1,
      "attn_pdrop": 0.1, "embd_pdrop": 0.1, "architectures": ["GPT2LMHeadModel"]})");
}

Json foreign_llama(const std::string& model_type) {
  Json json = Json::parse(R"({"vocab_size": 32000, "hidden_size": 4096,
      "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
      "num_key_value_heads": 8, "max_position_embeddings": 32768, "rms_norm_eps": 1e-05,
      "hidden_act": "silu", "rope_theta": 10000.0})");
  json["model_type"] = model_type;
  return json;
}

ModelConfig read(const Json& json) {
  TempFolder folder;
  write_text(folder / "config.json", json.dump());
  return read_hf_config(folder.path());
}

std::string read_error(const Json& json) {
  return error_of([&] { read(json); });
}

std::string load_error(const SavedModel& saved) {
  return error_of([&] { load_weights(saved.folder.path(), saved.model); });
}

/// Saves `config` under a table that is not its own: another model's weights beside its config.
void put_weights_of(const SavedModel& saved, const ModelConfig& other) {
  const SavedModel donor(other);
  write_text(saved.folder / "model.safetensors", read_text(donor.folder / "model.safetensors"));
}

}  // namespace

TEST_CASE("the published GPT-2 config is read as the model that it is") {
  const ModelConfig c = read(foreign_gpt2());
  CHECK((c.n_layer == 12 && c.n_head == 12 && c.n_embd == 768 && c.block_size == 1024));
  CHECK((c.vocab_size == 50257 && c.intermediate_size == 3072 && c.head_size == 64));
  CHECK((c.position == PositionKind::Learned && c.norm == NormChoice::LayerNorm));
  CHECK((c.mlp == MlpKind::Gelu && c.bias && c.tie_embeddings));
  CHECK(c.norm_eps == 1e-5);
  CHECK(Model(c).params().count() == 124'439'808);  // the published number
}

TEST_CASE("foreign Llama, Mistral and Qwen3 configs are read with their classes' defaults") {
  const ModelConfig llama = read(foreign_llama("llama"));
  CHECK((llama.n_kv_head == 8 && llama.head_size == 128 && !llama.bias && !llama.tie_embeddings));
  CHECK((llama.sliding_window == 0 && llama.rope_theta == 10000.0 && llama.norm_eps == 1e-5));
  CHECK(read(foreign_llama("mistral")).sliding_window == 4096);

  Json mistral = foreign_llama("mistral");
  mistral["sliding_window"] = nullptr;
  CHECK(read(mistral).sliding_window == 0);
  mistral["sliding_window"] = 32769;  // past the context: it never applies
  CHECK(read(mistral).sliding_window == 0);

  Json qwen = foreign_llama("qwen3");
  CHECK((read(qwen).qk_norm && read(qwen).head_size == 128 && read(qwen).sliding_window == 0));
  qwen["use_sliding_window"] = true;
  qwen["max_window_layers"] = 0;
  CHECK(read(qwen).sliding_window == 4096);
  qwen["max_window_layers"] = 32;
  CHECK(read(qwen).sliding_window == 0);

  Json five = foreign_llama("llama");  // transformers 5
  five.erase("rope_theta");
  five["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 500000.0}};
  CHECK(read(five).rope_theta == 500000.0);
}

TEST_CASE("a foreign feature that is not computed here is refused by key and value") {
  const auto refused = [](Json json, const char* key, const Json& value, const std::string& text) {
    json[key] = value;
    CHECK_THAT(read_error(json), Contains("error[checkpoint.unsupported]") && Contains(text));
  };
  const Json gpt2 = foreign_gpt2(), llama = foreign_llama("llama"), qwen = foreign_llama("qwen3");
  refused(gpt2, "activation_function", "gelu",
          "\"activation_function\": \"gelu\" is not supported");
  refused(gpt2, "scale_attn_by_inverse_layer_idx", true, "no layer scales its scores by depth");
  refused(gpt2, "model_type", "gemma2", "\"model_type\": \"gemma2\" is not supported");
  refused(gpt2, "quantization_config", {{"bits", 4}}, "weights are f32 or bf16");
  refused(llama, "rope_scaling", {{"rope_type", "llama3"}, {"factor", 8.0}},
          "positions are rotated without scaling");
  refused(llama, "rope_scaling", {{"type", "linear"}, {"factor", 2.0}}, "\"rope_scaling\": {");
  refused(llama, "attention_bias", true, "both have biases or neither");
  refused(llama, "mlp_bias", true, "\"mlp_bias\": true");
  refused(llama, "hidden_act", "gelu", "the MLP is swiglu");
  refused(llama, "partial_rotary_factor", 0.5, "rope turns whole heads");
  refused(qwen, "attention_bias", true, "\"attention_bias\": true");
  refused(qwen, "layer_types", {"full_attention", "sliding_attention"}, "all layers are alike");
  Json window = qwen;
  window["use_sliding_window"] = true;  // from layer 28 of 32 on
  window["max_window_layers"] = 28;
  CHECK_THAT(read_error(window), Contains("either all layers have the window or none"));
}

TEST_CASE("a config.json that cannot be right is refused before anything is made of it") {
  TempFolder empty;
  CHECK_THAT(error_of([&] { read_hf_config(empty.path()); }),
             Contains("error[checkpoint.missing]"));
  Json json = foreign_llama("llama");
  json["num_attention_heads"] = 0;
  CHECK_THAT(read_error(json), Contains("error[checkpoint.config]") &&
                                   Contains("n_head is 0, but must be 1 to 65536"));
  json["num_attention_heads"] = 30;
  CHECK_THAT(read_error(json), Contains("30 heads do not divide width 4096"));
  json["num_attention_heads"] = "32";
  CHECK_THAT(read_error(json), Contains("error[checkpoint.json]") &&
                                   Contains("key \"num_attention_heads\" holds \"32\""));
  json.erase("num_attention_heads");
  CHECK_THAT(read_error(json), Contains("key \"num_attention_heads\" is missing"));
  json = foreign_llama("llama");
  json["hidden_size"] = 1e300;
  CHECK_THAT(read_error(json), Contains("error[checkpoint.json]"));
  json["model_type"] = "causeway";
  CHECK_THAT(read_error(json), Contains("key \"causeway\" is missing"));
}

TEST_CASE("our own part of config.json must be whole and agree with the rest") {
  const SavedModel saved(tiny_llama());
  const auto with = [&](const std::function<void(Json&)>& change) {
    Json json = saved.json();
    change(json);
    return read_error(json);
  };
  CHECK(with([](Json&) {}) == "no error");
  CHECK(with([](Json& j) { j["attention_dropout"] = 0.5; }) == "no error");
  CHECK_THAT(with([](Json& j) { j["rope_theta"] = j["rope_parameters"]["rope_theta"] = 1e6; }),
             Contains("causeway.model.rope_theta is 500000.0") && Contains("say 1000000.0"));
  CHECK_THAT(with([](Json& j) { j["causeway"]["model"]["n_heads"] = 4; }),
             Contains("unknown key \"n_heads\" in causeway.model"));
  CHECK_THAT(with([](Json& j) { j["causeway"]["model"]["n_head"] = true; }),
             Contains("causeway.model.n_head must be a whole number, not true"));
  CHECK_THAT(with([](Json& j) { j["causeway"]["model"]["position"] = "ropes"; }),
             Contains("causeway.model.position must be one of"));
}

TEST_CASE("weights that do not fit the config are refused by name") {
  const SavedModel saved(tiny_llama());
  ModelConfig other = tiny_llama();
  other.n_layer = 1;
  put_weights_of(saved, other);
  CHECK_THAT(load_error(saved), Contains("error[checkpoint.missing_tensor]") &&
                                    Contains("without model.layers.1.input_layernorm.weight") &&
                                    Contains("and 6 more"));
  other.n_layer = 3;
  put_weights_of(saved, other);
  CHECK_THAT(load_error(saved), Contains("error[checkpoint.extra_tensor]") &&
                                    Contains("model.layers.2.input_layernorm.weight"));
  other.n_layer = 2, other.vocab_size = 12;
  put_weights_of(saved, other);
  CHECK_THAT(load_error(saved),
             Contains("error[checkpoint.shape]") &&
                 Contains("model.embed_tokens.weight has shape (12, 12), by config.json it must "
                          "be (11, 12)"));
  std::filesystem::remove(saved.folder / "model.safetensors");
  CHECK_THAT(load_error(saved), Contains("error[checkpoint.missing]"));
}

TEST_CASE("weights go into no model that reads them otherwise") {
  const SavedModel saved(tiny_llama());
  ModelConfig other = tiny_llama();
  other.n_head = 2, other.n_kv_head = 1, other.head_size = 4;  // the same shapes
  CHECK_THAT(error_of([&] { load_weights(saved.folder.path(), Model(other)); }),
             Contains("error[checkpoint.shape]") && Contains("a model with n_head: 4") &&
                 Contains("set model.n_head=4"));
  other = tiny_llama();
  other.block_size = 9, other.rope_theta = 1e6, other.dropout = 0.1, other.sliding_window = 4;
  CHECK(load_weights(saved.folder.path(), Model(other)) == saved.weights);
}

TEST_CASE("a model without biases refuses biases that another tool has trained") {
  ModelConfig with_bias = tiny_gpt2(), without = tiny_gpt2();
  without.bias = false;
  const SavedModel saved(without);
  put_weights_of(saved, with_bias);
  CHECK_THAT(load_error(saved), Contains("error[checkpoint.unsupported]") &&
                                    Contains("transformer.h.0.ln_1.bias is not zero"));
}

TEST_CASE("stories260K, a Llama of another trainer, loads") {
  const std::filesystem::path folder = shared_data("stories260K");
  SKIP_WITHOUT(folder, "stories260K");
  const ModelConfig c = read_hf_config(folder);
  CHECK((c.n_layer == 5 && c.n_head == 8 && c.n_kv_head == 4 && c.n_embd == 64));
  CHECK((c.intermediate_size == 172 && c.vocab_size == 512 && c.block_size == 512));
  CHECK((choose_hf(c).model_type == "llama" && c.tie_embeddings && !c.bias));
  const Model model(c);
  CHECK(model.params().count() == 260'032);  // as its source says
  const Weights weights = load_weights(folder, model);
  const auto file = read_plain(folder / "model.safetensors");
  const PlainTensor& v = file.at("model.layers.4.self_attn.v_proj.weight");
  const std::vector<float>& qkv = weights[model.params().find("blocks.4.attention.qkv.weight")];
  for (size_t e = 0; e < 32 * 64; ++e) REQUIRE(qkv[(64 + 32) * 64 + e] == v.f32(e));
}

}  // namespace causeway::test
