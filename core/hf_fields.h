// The model section as JSON, by the list of config keys: the `causeway` part of config.json, from
// which our own folders load exactly. Read next: hf_config_write.cpp, hf_config_read.cpp.
#pragma once
#include <string>

#include "core/config.h"
#include "core/json.h"

namespace causeway {

/// Every key of the model section in the list's order; null for `auto`.
Json model_to_json(const ModelConfig& model);

/// The reverse. Keys that are missing keep their defaults. Throws Error "checkpoint.config" for a
/// key that this version does not know or a value of another type.
ModelConfig model_from_json(const Json& section, const std::string& where);

/// Fills n_kv_head, head_size and intermediate_size, after checking what is divided by, and every
/// range of the list. Throws Error "checkpoint.config".
void check_and_resolve(ModelConfig& model, const std::string& where);

/// Throws Error "checkpoint.config" for the first key whose values differ; dropout may, since it
/// says nothing about what a trained model computes. Compare resolved models.
void check_same_model(const ModelConfig& exact, const ModelConfig& foreign,
                      const std::string& where);

/// Throws Error "checkpoint.shape" for the first key that makes the weights in `where` unfit for
/// `model`. What has no weights may differ: rope_theta, windows, softcaps, the context of a model
/// without learned positions.
void check_same_weights(const ModelConfig& stored, const ModelConfig& model,
                        const std::string& where);

}  // namespace causeway
