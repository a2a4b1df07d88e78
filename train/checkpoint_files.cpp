// See checkpoint_files.h.
#include "train/checkpoint_files.h"

#include "core/file.h"
#include "core/hf.h"
#include "core/json.h"
#include "core/safetensors.h"

namespace causeway {
namespace {

constexpr char kOptimizerFile[] = "optimizer-0000-of-0001.safetensors";
constexpr int64_t kStateVersion = 1;

/// The flat buffers of an optimizer file by the prefix of their tensors' names.
struct FlatBuffer {
  std::string prefix;
  Tensor flat;
};
std::vector<FlatBuffer> optimizer_buffers(const ModelState& state) {
  std::vector<FlatBuffer> buffers{{"m.", state.m}, {"v.", state.v}};
  if (state.master) buffers.push_back({"master.", state.master});
  return buffers;
}

void write_optimizer(const std::filesystem::path& path, const CheckpointParts& parts) {
  const auto buffers = optimizer_buffers(parts.state);
  std::vector<TensorEntry> entries;
  SafetensorsMetadata metadata;
  for (const FlatBuffer& buffer : buffers)
    for (const ParamInfo& p : parts.model.params().all()) {
      entries.push_back(
          {.name = buffer.prefix + p.name, .dtype = buffer.flat.dtype, .shape = {p.valid_numel()}});
      // Which elements of the parameter these are: all of them, while one process owns all.
      metadata[buffer.prefix + p.name] = fmt::format("0:{}", p.valid_numel());
    }
  SafetensorsWriter writer(path, entries, metadata);
  std::vector<std::byte> bytes;
  for (const FlatBuffer& buffer : buffers)
    for (const ParamInfo& p : parts.model.params().all()) {
      const Tensor range = buffer.flat.slice(0, p.offset, p.valid_numel());
      bytes.resize(range.bytes());
      parts.ops.download(bytes.data(), range);
      writer.write(bytes);
    }
  writer.close();
}

void read_optimizer(const std::filesystem::path& path, CheckpointParts& parts) {
  const SafetensorsFile file(path);
  for (const FlatBuffer& buffer : optimizer_buffers(parts.state))
    for (const ParamInfo& p : parts.model.params().all()) {
      const TensorEntry& entry = file.at(buffer.prefix + p.name);
      const Tensor range = buffer.flat.slice(0, p.offset, p.valid_numel());
      if (entry.dtype != range.dtype || entry.size_bytes() != range.bytes())
        throw Error({.id = "checkpoint.optimizer",
                     .where = path.string(),
                     .what = fmt::format("{} holds {} bytes of {}, the model needs {} bytes of {}",
                                         entry.name, entry.size_bytes(), dtype_name(entry.dtype),
                                         range.bytes(), dtype_name(range.dtype)),
                     .remedy = "the checkpoint belongs to another model; start a new run with "
                               "run.init_from to use its weights"});
      parts.ops.upload(range, file.bytes(entry).data());
    }
}

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
  HfTokenIds ids;
  if (parts.tokenizer) ids = {parts.tokenizer->bos(), parts.tokenizer->end_of_text()};
  write_hf_model(
      folder, parts.model.config(), parts.model.params(), parts.precision,
      [&](ParamId id) { return parts.state.read(parts.ops, id); }, ids);
  if (parts.tokenizer) write_file(folder / "tokenizer.json", parts.tokenizer->to_json());
  write_optimizer(folder / kOptimizerFile, parts);
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
  read_optimizer(folder / kOptimizerFile, parts);  // masters last: they are finer than the weights
  return read_position(folder);
}

}  // namespace causeway
