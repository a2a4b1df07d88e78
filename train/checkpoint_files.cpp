// See checkpoint_files.h.
#include "train/checkpoint_files.h"

#include "core/file.h"
#include "core/hf.h"
#include "core/json.h"
#include "train/optimizer_files.h"

namespace causeway {
namespace {

constexpr int64_t kStateVersion = 1;

std::string to_json_text(const RunPosition& position) {
  Json json = {{"version", kStateVersion},          {"step", position.step},
               {"tokens", position.tokens},         {"seed", position.seed},
               {"skipped", position.skipped},       {"data_hash", position.data_hash},
               {"config", position.resolved_config}};
  json["best_val_loss"] = position.best_val_loss ? Json(*position.best_val_loss) : Json(nullptr);
  return json.dump(2) + "\n";
}

}  // namespace

void write_checkpoint_files(const std::filesystem::path& folder, const CheckpointParts& parts,
                            const RunPosition& position) {
  write_optimizer(folder, parts.ops, parts.model.params(), parts.state, parts.rank, parts.ranks);
  if (parts.rank != 0) return;
  HfTokenIds ids;
  if (parts.tokenizer) ids = {parts.tokenizer->bos(), parts.tokenizer->end_of_text()};
  write_hf_model(
      folder, parts.model.config(), parts.model.params(), parts.precision,
      [&](ParamId id) { return parts.state.read(parts.ops, id); }, ids);
  if (parts.tokenizer) write_file(folder / "tokenizer.json", parts.tokenizer->to_json());
  write_file(folder / "state.json", to_json_text(position));
}

RunPosition read_position(const std::filesystem::path& folder) {
  const std::string where = (folder / "state.json").string();
  const Json json = parse_json(read_file(where, "checkpoint"), where, "checkpoint");
  const auto get = [&]<class T>(T& field, std::string_view key) {
    field = json_get<T>(json, key, where, "checkpoint");
  };
  RunPosition position;
  get(position.step, "step");
  get(position.tokens, "tokens");
  get(position.seed, "seed");
  get(position.skipped, "skipped");
  get(position.data_hash, "data_hash");
  get(position.resolved_config, "config");
  if (const auto best = json.find("best_val_loss"); best != json.end() && best->is_number())
    position.best_val_loss = best->get<double>();
  return position;
}

RunPosition read_checkpoint_files(const std::filesystem::path& folder, CheckpointParts& parts) {
  read_hf_weights(
      folder, parts.model.config(), parts.model.params(),
      [&](ParamId id, std::span<const float> values) { parts.state.write(parts.ops, id, values); });
  // Masters after the weights: they are finer.
  read_optimizer(folder, parts.ops, parts.model.params(), parts.state);
  return read_position(folder);
}

}  // namespace causeway
