// See hf_source.h.
#include "core/hf_source.h"

#include <set>

#include "core/hf_tensors.h"
#include "core/json.h"

namespace causeway {
namespace fs = std::filesystem;

HfSource::HfSource(const fs::path& folder) {
  const fs::path single = folder / "model.safetensors";
  if (fs::exists(single) || !fs::exists(folder / "model.safetensors.index.json"))
    files_.emplace_back(single);
  else
    open_shards(folder);
  for (const SafetensorsFile& file : files_)
    for (const TensorEntry& entry : file.entries())
      if (!tensors_.insert({std::string(without_prefix(entry.name)), {&file, &entry}}).second)
        throw Error({.id = "checkpoint.extra_tensor",
                     .where = file.path().string(),
                     .what = fmt::format("tensor \"{}\" is there twice", entry.name),
                     .remedy = "the folder mixes the files of several models: copy it again"});
}

void HfSource::open_shards(const fs::path& folder) {
  const fs::path path = folder / "model.safetensors.index.json";
  const std::string where = path.string();
  const Json index = parse_json(read_file(path, "checkpoint"), where, "checkpoint");
  const auto shard_of =
      json_get<std::map<std::string, std::string>>(index, "weight_map", where, "checkpoint");
  std::set<std::string> names;
  for (const auto& [tensor, shard] : shard_of) names.insert(shard);
  for (const std::string& name : names) {
    if (name != fs::path(name).filename() || name == "." || name == "..")
      throw Error({.id = "checkpoint.config",
                   .where = where,
                   .what = fmt::format("shard \"{}\" is no file of this folder", name),
                   .remedy = "the index is damaged or was changed by hand: copy the folder again"});
    files_.emplace_back(folder / name);
  }
}

HfSource::Found HfSource::find(std::string_view name) const {
  const auto found = tensors_.find(without_prefix(name));
  return found == tensors_.end() ? Found{} : found->second;
}

void HfSource::forget() const {
  for (const SafetensorsFile& file : files_) file.forget();
}

}  // namespace causeway
