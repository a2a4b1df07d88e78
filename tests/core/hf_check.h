// What the tests of Hugging Face folders share: a reader of safetensors that is not the project's,
// random weights, and a look at errors.
#pragma once
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/hf.h"
#include "core/json.h"
#include "core/model.h"
#include "core/philox.h"
#include "tests/catch.h"
#include "tests/train/temp_folder.h"

namespace causeway::test {

struct PlainTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;
  float f32(size_t i) const {
    float x;
    std::memcpy(&x, bytes.data() + 4 * i, 4);
    return x;
  }
};

/// By the format's text alone: u64 header size, JSON, data.
inline std::map<std::string, PlainTensor> read_plain(const std::filesystem::path& path) {
  const std::string file = read_text(path);
  uint64_t size = 0;
  std::memcpy(&size, file.data(), 8);
  const Json header = Json::parse(file.substr(8, size));
  CHECK(header["__metadata__"]["format"] == "pt");
  std::map<std::string, PlainTensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    tensors[name] = {entry["dtype"], entry["shape"], file.substr(8 + size + begin, end - begin)};
  }
  return tensors;
}

using Weights = std::vector<std::vector<float>>;

/// Every element of every parameter another number.
inline Weights random_weights(const ParamTable& params) {
  Weights weights;
  for (size_t id = 0; id < params.all().size(); ++id) {
    weights.emplace_back(params.all()[id].valid_numel());
    for (size_t i = 0; i < weights[id].size(); ++i)
      weights[id][i] = static_cast<float>(
          uniform(random_bits({.seed = 3, .layer = static_cast<uint32_t>(id)}, i)) - 0.5);
  }
  return weights;
}

inline ParamReader reader_of(const Weights& weights) {
  return [&weights](ParamId id) { return weights[id]; };
}

/// A saved model of random weights; what is in the folder is `weights` rounded to the dtype.
struct SavedModel {
  TempFolder folder;
  Model model;
  Weights weights;

  explicit SavedModel(const ModelConfig& config, DType dtype = DType::F32)
      : model(config), weights(random_weights(model.params())) {
    write_hf_model(folder.path(), config, model.params(), dtype, reader_of(weights));
  }
  Json json() const { return Json::parse(read_text(folder / "config.json")); }
  void set_json(const Json& json) const { write_text(folder / "config.json", json.dump()); }
};

inline Weights load_weights(const std::filesystem::path& folder, const Model& model) {
  Weights weights(model.params().all().size());
  read_hf_weights(folder, model.config(), model.params(),
                  [&](ParamId id, std::span<const float> numbers) {
                    CHECK(weights[id].empty());  // each parameter once
                    weights[id].assign(numbers.begin(), numbers.end());
                  });
  return weights;
}

/// The error as the user sees it, or "no error".
inline std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::Checkpoint);
    return error.what();
  }
  return "no error";
}

/// Small, resolved, and with no two sizes alike.
inline ModelConfig tiny_gpt2() {
  ModelConfig c;
  c.n_layer = 2, c.n_head = 2, c.n_kv_head = 2, c.n_embd = 6, c.head_size = 3;
  c.intermediate_size = 10, c.block_size = 5, c.vocab_size = 11;
  return c;
}

inline ModelConfig tiny_llama() {
  ModelConfig c = tiny_gpt2();
  c.n_head = 4, c.n_kv_head = 2, c.n_embd = 12, c.head_size = 2;  // H·D = 8, not the width
  c.position = PositionKind::Rope, c.norm = NormChoice::RmsNorm, c.mlp = MlpKind::SwiGlu;
  c.bias = false, c.rope_theta = 5e5, c.norm_eps = 1e-6;
  return c;
}

}  // namespace causeway::test
