// Hugging Face model folders: config.json and model.safetensors, as transformers reads and writes
// them. A model that one of its classes computes exactly is saved as that class, any other as
// "causeway" under our own names. Read next: hf_tensors.h (names and layouts), hf_choice.cpp (which
// class), hf_config_write.cpp, hf_config_read.cpp.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/dtype.h"
#include "core/params.h"

namespace causeway {

/// The class of transformers that computes what the config describes.
struct HfChoice {
  std::string model_type;  ///< gpt2 | llama | mistral | qwen3 | causeway
  std::string reason;      ///< causeway only: what no class has
};
HfChoice choose_hf(const ModelConfig& config);

/// Token ids that transformers wants in config.json; null where the tokenizer has none.
struct HfTokenIds {
  std::optional<int64_t> bos, eos;
};

/// Parameter `id` as floats, valid rows only (ModelState::read).
using ParamReader = std::function<std::vector<float>(ParamId)>;
/// Takes parameter `id` as floats, valid rows only (ModelState::write).
using ParamWriter = std::function<void(ParamId, std::span<const float>)>;

/// Writes folder/model.safetensors and folder/config.json, both synced. `config` must be resolved,
/// vocab_size included; `params` are Model(config).params(). dtype F32 or BF16: what the file
/// holds, so masters are rounded to it. One parameter is in memory at a time. Throws Error
/// "disk.*".
void write_hf_model(const std::filesystem::path& folder, const ModelConfig& config,
                    const ParamTable& params, DType dtype, const ParamReader& read,
                    const HfTokenIds& ids = {});

/// The model described by folder/config.json, ours or a foreign gpt2, llama, mistral or qwen3;
/// resolved, vocab_size included. Throws Error "checkpoint.missing", "checkpoint.json",
/// "checkpoint.config" (a value that cannot be right), "checkpoint.unsupported" (a model that we do
/// not compute exactly, naming key and value).
ModelConfig read_hf_config(const std::filesystem::path& folder);

/// Hands every parameter to `write` once, in the table's order, from folder/model.safetensors or
/// the shards of folder/model.safetensors.index.json (F32 or BF16). Names, dtypes and shapes are
/// checked before the first write. `config` is read_hf_config(folder), or one that only differs in
/// what has no weights. Throws Error "checkpoint.missing_tensor", "checkpoint.extra_tensor",
/// "checkpoint.shape", "checkpoint.dtype", "checkpoint.unsupported" (a bias that is not zero in a
/// model without biases), and what SafetensorsFile throws.
void read_hf_weights(const std::filesystem::path& folder, const ModelConfig& config,
                     const ParamTable& params, const ParamWriter& write);

}  // namespace causeway
