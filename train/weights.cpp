// See weights.h.
#include "train/weights.h"

#include "core/checkpoint.h"
#include "core/hf.h"

namespace causeway {

std::filesystem::path find_model_folder(const std::string& source) {
  const std::filesystem::path folder(source);
  const auto holds_model = [](const std::filesystem::path& f) {
    return std::filesystem::exists(f / "config.json");
  };
  if (holds_model(folder)) return folder;
  for (const auto& candidate : {folder / "checkpoints", folder}) {
    const auto found = CheckpointStore(candidate).newest_valid(OnDamage::Skip);
    if (found.checkpoint) return found.checkpoint->folder;
  }
  const bool exists = std::filesystem::exists(folder);
  throw Error({.id = "checkpoint.missing",
               .where = source,
               .what = exists ? "no checkpoint and no model in this folder" : "no such folder",
               .remedy = "name a run (runs/NAME), one of its checkpoints "
                         "(runs/NAME/checkpoints/step-00001000)\nor a Hugging Face model folder "
                         "(config.json + model.safetensors)"});
}

void load_weights(const std::string& source, const Model& model, ModelState& state, Backend& ops) {
  read_hf_weights(find_model_folder(source), model.config(), model.params(),
                  [&](ParamId id, std::span<const float> values) { state.write(ops, id, values); });
}

}  // namespace causeway
