// Hugging Face folders: what is written, element by element, and that reading gives it back.
// Foreign configs and errors are in hf_config_test.cpp.
#include "core/hf.h"

#include "core/hf_fields.h"
#include "tests/core/hf_check.h"

namespace causeway::test {
namespace {

struct Family {
  std::string name, model_type;
  ModelConfig config;
};

template <class Change>
Family family(std::string name, std::string model_type, ModelConfig config, Change change) {
  change(config);
  return {std::move(name), std::move(model_type), config};
}

/// Every option that decides the class or the tensors.
std::vector<Family> families() {
  using C = ModelConfig;
  return {
      family("gpt2", "gpt2", tiny_gpt2(), [](C&) {}),
      family("gpt2 without bias", "gpt2", tiny_gpt2(), [](C& c) { c.bias = false; }),
      family("gpt2 untied", "gpt2", tiny_gpt2(), [](C& c) { c.tie_embeddings = false; }),
      family("gpt2 with an unused rope_theta", "gpt2", tiny_gpt2(),
             [](C& c) { c.rope_theta = 7, c.dropout = 0.125, c.preset = "gpt2-124m"; }),
      family("llama", "llama", tiny_llama(), [](C&) {}),
      family("llama untied", "llama", tiny_llama(), [](C& c) { c.tie_embeddings = false; }),
      family("llama with bias", "llama", tiny_llama(), [](C& c) { c.bias = true; }),
      family("llama multi-query", "llama", tiny_llama(), [](C& c) { c.n_kv_head = 1; }),
      family("mistral", "mistral", tiny_llama(), [](C& c) { c.sliding_window = 3; }),
      family("mistral with the longest window", "mistral", tiny_llama(),
             [](C& c) { c.sliding_window = 5; }),
      family("mistral without a window", "mistral", tiny_llama(), [](C& c) { c.n_embd = 10; }),
      family("qwen3", "qwen3", tiny_llama(), [](C& c) { c.qk_norm = true; }),
      family("qwen3 with a window", "qwen3", tiny_llama(),
             [](C& c) { c.qk_norm = true, c.sliding_window = 3, c.tie_embeddings = false; }),
      family("alibi", "causeway", tiny_gpt2(), [](C& c) { c.position = PositionKind::Alibi; }),
      family("sinusoidal", "causeway", tiny_gpt2(),
             [](C& c) { c.position = PositionKind::Sinusoidal; }),
      family("no positions", "causeway", tiny_gpt2(),
             [](C& c) { c.position = PositionKind::None; }),
      family("relu2", "causeway", tiny_gpt2(), [](C& c) { c.mlp = MlpKind::Relu2; }),
      family("gpt2 with a window", "causeway", tiny_gpt2(), [](C& c) { c.sliding_window = 2; }),
      family("gpt2 with rmsnorm", "causeway", tiny_gpt2(),
             [](C& c) { c.norm = NormChoice::RmsNorm; }),
      family("gpt2 with a head size of its own", "causeway", tiny_gpt2(),
             [](C& c) { c.head_size = 4; }),
      family("gpt2 with grouped heads", "causeway", tiny_gpt2(), [](C& c) { c.n_kv_head = 1; }),
      family("gpt2 with qk_norm", "causeway", tiny_gpt2(), [](C& c) { c.qk_norm = true; }),
      family("softcaps", "causeway", tiny_llama(),
             [](C& c) { c.attention_softcap = 0.1, c.logit_softcap = 30; }),
      family("mistral with bias", "causeway", tiny_llama(),
             [](C& c) { c.sliding_window = 3, c.bias = true, c.tie_embeddings = false; }),
      family("qwen3 with bias", "causeway", tiny_llama(),
             [](C& c) { c.qk_norm = true, c.bias = true; }),
      family("llama with layernorm", "causeway", tiny_llama(),
             [](C& c) { c.norm = NormChoice::LayerNorm; }),
  };
}

/// t is w (rows, cols), as it is or transposed; cols 0: a vector.
void check_tensor(const PlainTensor& t, const std::vector<float>& w, int64_t rows, int64_t cols,
                  bool transposed) {
  using Shape = std::vector<int64_t>;
  const Shape matrix = transposed ? Shape{cols, rows} : Shape{rows, cols};
  CHECK(t.dtype == "F32");
  CHECK(t.shape == (cols == 0 ? Shape{rows} : matrix));
  const int64_t width = cols == 0 ? 1 : cols;
  REQUIRE(w.size() == static_cast<size_t>(rows * width));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < width; ++c)
      REQUIRE(t.f32(transposed ? c * rows + r : r * width + c) == w[r * width + c]);
}

}  // namespace

TEST_CASE("a model is saved as the class that computes it, and a reason is given where none does") {
  for (const Family& f : families()) {
    INFO(f.name);
    const HfChoice choice = choose_hf(f.config);
    CHECK(choice.model_type == f.model_type);
    CHECK(choice.reason.empty() == (f.model_type != "causeway"));
  }
  ModelConfig c = tiny_llama();
  c.logit_softcap = 30;
  CHECK(choose_hf(c).reason == "none of gpt2, llama, mistral and qwen3 has logit_softcap");
}

TEST_CASE("loading a saved model gives the same config and weights, exactly in f32") {
  for (const Family& f : families()) {
    INFO(f.name);
    const SavedModel saved(f.config);
    CHECK(saved.json()["model_type"] == f.model_type);
    const ModelConfig loaded = read_hf_config(saved.folder.path());
    CHECK(model_to_json(loaded) == model_to_json(f.config));
    CHECK(load_weights(saved.folder.path(), Model(loaded)) == saved.weights);
  }
}

TEST_CASE("a bf16 file holds the weights rounded to nearest even, and loads as such") {
  for (const Family& f : families()) {
    INFO(f.name);
    const SavedModel saved(f.config, DType::BF16);
    CHECK(saved.json()["torch_dtype"] == "bfloat16");
    Weights rounded = saved.weights;
    for (auto& parameter : rounded)
      for (float& x : parameter) x = static_cast<float>(bf16(x));
    CHECK(load_weights(saved.folder.path(), Model(f.config)) == rounded);
    for (const auto& [name, tensor] : read_plain(saved.folder / "model.safetensors"))
      CHECK(tensor.dtype == "BF16");
  }
}

TEST_CASE("a foreign reader finds GPT-2's names, shapes and transposed weights") {
  const SavedModel saved(tiny_gpt2());
  const ParamTable& params = saved.model.params();
  auto file = read_plain(saved.folder / "model.safetensors");
  const auto expect = [&](const std::string& theirs, const std::string& ours, int64_t rows,
                          int64_t cols, bool transposed) {
    INFO(theirs);
    REQUIRE(file.count(theirs) == 1);
    const PlainTensor t = file[theirs];
    file.erase(theirs);
    check_tensor(t, saved.weights[params.find(ours)], rows, cols, transposed);
  };
  expect("transformer.wte.weight", "embedding.tokens.weight", 11, 6, false);  // not padded to 128
  expect("transformer.wpe.weight", "embedding.positions.weight", 5, 6, false);
  for (const std::string i : {"0", "1"}) {
    const std::string theirs = "transformer.h." + i + ".", ours = "blocks." + i + ".";
    for (const std::string n : {"1", "2"}) {
      expect(theirs + "ln_" + n + ".weight", ours + "norm" + n + ".weight", 6, 0, false);
      expect(theirs + "ln_" + n + ".bias", ours + "norm" + n + ".bias", 6, 0, false);
    }
    expect(theirs + "attn.c_attn.weight", ours + "attention.qkv.weight", 18, 6, true);
    expect(theirs + "attn.c_attn.bias", ours + "attention.qkv.bias", 18, 0, false);
    expect(theirs + "attn.c_proj.weight", ours + "attention.proj.weight", 6, 6, true);
    expect(theirs + "attn.c_proj.bias", ours + "attention.proj.bias", 6, 0, false);
    expect(theirs + "mlp.c_fc.weight", ours + "mlp.up.weight", 10, 6, true);
    expect(theirs + "mlp.c_fc.bias", ours + "mlp.up.bias", 10, 0, false);
    expect(theirs + "mlp.c_proj.weight", ours + "mlp.down.weight", 6, 10, true);
    expect(theirs + "mlp.c_proj.bias", ours + "mlp.down.bias", 6, 0, false);
  }
  expect("transformer.ln_f.weight", "final_norm.weight", 6, 0, false);
  expect("transformer.ln_f.bias", "final_norm.bias", 6, 0, false);
  CHECK(file.empty());
}

TEST_CASE("biases that GPT-2 has and the model has not are saved as zeros") {
  ModelConfig config = tiny_gpt2();
  const size_t with_biases = read_plain(SavedModel(config).folder / "model.safetensors").size();
  config.bias = false;
  const SavedModel saved(config);
  const auto file = read_plain(saved.folder / "model.safetensors");
  CHECK(file.size() == with_biases);
  const PlainTensor& bias = file.at("transformer.h.1.attn.c_attn.bias");
  CHECK(bias.shape == std::vector<int64_t>{18});
  CHECK(bias.bytes == std::string(18 * 4, '\0'));
}

TEST_CASE("a foreign reader finds Llama's names, and the parts of qkv and of gate and up") {
  ModelConfig config = tiny_llama();
  config.tie_embeddings = false;
  const SavedModel saved(config);
  const ParamTable& params = saved.model.params();
  auto file = read_plain(saved.folder / "model.safetensors");
  const auto expect = [&](const std::string& theirs, const std::string& ours, int64_t first,
                          int64_t rows, int64_t cols) {
    INFO(theirs);
    REQUIRE(file.count(theirs) == 1);
    const PlainTensor t = file[theirs];
    file.erase(theirs);
    using Shape = std::vector<int64_t>;
    CHECK(t.shape == (cols == 0 ? Shape{rows} : Shape{rows, cols}));
    const int64_t width = cols == 0 ? 1 : cols;
    const std::vector<float>& w = saved.weights[params.find(ours)];
    for (int64_t e = 0; e < rows * width; ++e) REQUIRE(t.f32(e) == w[first * width + e]);
  };
  expect("model.embed_tokens.weight", "embedding.tokens.weight", 0, 11, 12);
  for (const std::string i : {"0", "1"}) {
    const std::string theirs = "model.layers." + i + ".", ours = "blocks." + i + ".";
    expect(theirs + "input_layernorm.weight", ours + "norm1.weight", 0, 12, 0);
    expect(theirs + "self_attn.q_proj.weight", ours + "attention.qkv.weight", 0, 8, 12);
    expect(theirs + "self_attn.k_proj.weight", ours + "attention.qkv.weight", 8, 4, 12);
    expect(theirs + "self_attn.v_proj.weight", ours + "attention.qkv.weight", 12, 4, 12);
    expect(theirs + "self_attn.o_proj.weight", ours + "attention.proj.weight", 0, 12, 8);
    expect(theirs + "post_attention_layernorm.weight", ours + "norm2.weight", 0, 12, 0);
    expect(theirs + "mlp.gate_proj.weight", ours + "mlp.up.weight", 0, 10, 12);
    expect(theirs + "mlp.up_proj.weight", ours + "mlp.up.weight", 10, 10, 12);
    expect(theirs + "mlp.down_proj.weight", ours + "mlp.down.weight", 0, 12, 10);
  }
  expect("model.norm.weight", "final_norm.weight", 0, 12, 0);
  expect("lm_head.weight", "head.weight", 0, 11, 12);
  CHECK(file.empty());
}

TEST_CASE("config.json has what transformers 4 and 5 read") {
  ModelConfig config = tiny_llama();
  config.qk_norm = true, config.sliding_window = 3;
  const SavedModel saved(config);
  const Json json = saved.json();
  CHECK(json["architectures"] == Json::array({"Qwen3ForCausalLM"}));
  CHECK(json["vocab_size"] == 11);
  CHECK(json["head_dim"] == 2);
  CHECK(json["rope_theta"] == 5e5);
  CHECK(json["rope_parameters"]["rope_theta"] == 5e5);
  CHECK(json["torch_dtype"] == "float32");
  CHECK(json["dtype"] == "float32");
  CHECK(json["use_sliding_window"] == true);
  CHECK(json["max_window_layers"] == 0);
  CHECK(json["layer_types"] == Json::array({"sliding_attention", "sliding_attention"}));
  CHECK(json["eos_token_id"].is_null());
  TempFolder folder;
  write_hf_model(folder.path(), config, saved.model.params(), DType::F32, reader_of(saved.weights),
                 {.bos = 1, .eos = 2});
  const Json with_ids = Json::parse(read_text(folder / "config.json"));
  CHECK(with_ids["bos_token_id"] == 1);
  CHECK(with_ids["eos_token_id"] == 2);
}

TEST_CASE("shards, a missing prefix and old masks make no difference") {
  const SavedModel saved(tiny_gpt2());
  const auto tensors = read_plain(saved.folder / "model.safetensors");
  TempFolder folder;
  Json index;
  const auto write_shard = [&](const std::string& name, bool embeddings) {
    Json header;
    std::string data;
    const auto add = [&](const std::string& tensor, const PlainTensor& t) {
      header[tensor] = {{"dtype", t.dtype},
                        {"shape", t.shape},
                        {"data_offsets", {data.size(), data.size() + t.bytes.size()}}};
      data += t.bytes;
      index["weight_map"][tensor] = name;
    };
    for (const auto& entry : tensors) {
      const bool is_embedding = entry.first.find(".w") == std::string("transformer").size();
      if (is_embedding == embeddings) add(entry.first.substr(12), entry.second);
    }
    if (embeddings) add("h.0.attn.bias", {"F32", {1, 1, 1, 1}, std::string(4, '\0')});
    if (embeddings) add("lm_head.weight", tensors.at("transformer.wte.weight"));
    const std::string text = header.dump();
    const uint64_t size = text.size();
    write_text(folder / name, std::string(reinterpret_cast<const char*>(&size), 8) + text + data);
  };
  write_shard("model-00001-of-00002.safetensors", true);
  write_shard("model-00002-of-00002.safetensors", false);
  write_text(folder / "model.safetensors.index.json", index.dump());
  write_text(folder / "config.json", read_text(saved.folder / "config.json"));
  CHECK(load_weights(folder.path(), saved.model) == saved.weights);

  index["weight_map"]["h.0.x"] = "../elsewhere.safetensors";
  write_text(folder / "model.safetensors.index.json", index.dump());
  CHECK_THAT(error_of([&] { load_weights(folder.path(), saved.model); }),
             Catch::Contains("error[checkpoint.config]") &&
                 Catch::Contains("\"../elsewhere.safetensors\" is no file of this folder"));
}

}  // namespace causeway::test
