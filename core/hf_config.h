// config.json of a Hugging Face folder, to and from a ModelConfig. Two halves: the keys that
// transformers reads, and the object `causeway` with our own section, which transformers passes
// over. Read next: hf_config_write.cpp, hf_config_read.cpp.
#pragma once
#include <filesystem>
#include <string>

#include "core/hf.h"
#include "core/json.h"

namespace causeway {

/// The whole document. `config` must be resolved.
Json hf_config_json(const ModelConfig& config, DType dtype, const HfTokenIds& ids);

/// A folder's model and the class whose names its tensors have.
struct HfModel {
  std::string model_type;  ///< gpt2 | llama | mistral | qwen3 | causeway
  ModelConfig config;      ///< resolved
};
/// Throws like read_hf_config.
HfModel read_hf_model(const std::filesystem::path& folder);

}  // namespace causeway
