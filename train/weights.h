// Weights from elsewhere: a run's folder, a checkpoint, or a Hugging Face model.
// Read next: core/hf.h.
#pragma once
#include <filesystem>
#include <string>

#include "core/model.h"
#include "core/model_state.h"

namespace causeway {

/// The folder that holds model.safetensors: `source` itself, or, for a run's folder, its newest
/// valid checkpoint. Throws Error "checkpoint.missing" saying where it looked.
std::filesystem::path find_model_folder(const std::string& source);

/// Loads the weights of `source` into a model of this config. Throws Error "checkpoint.shape" when
/// they do not fit, naming the tensor.
void load_weights(const std::string& source, const Model& model, ModelState& state, Backend& ops);

}  // namespace causeway
