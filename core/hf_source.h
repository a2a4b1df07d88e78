// The tensors of a Hugging Face folder, in one file or in shards. Read next: hf_weights.cpp.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/safetensors.h"

namespace causeway {

/// Tensors by name, with or without the prefix of the class ("transformer.", "model.").
class HfSource {
 public:
  /// Opens folder/model.safetensors, else the shards of folder/model.safetensors.index.json.
  /// Throws what SafetensorsFile throws; Error "checkpoint.config" for an index that leads outside
  /// of the folder; "checkpoint.extra_tensor" for a name that is there twice.
  explicit HfSource(const std::filesystem::path& folder);

  struct Found {
    const SafetensorsFile* file = nullptr;
    const TensorEntry* entry = nullptr;
    explicit operator bool() const { return entry != nullptr; }
  };
  Found find(std::string_view name) const;
  /// By name without prefix, in alphabetical order.
  const std::map<std::string, Found, std::less<>>& all() const { return tensors_; }
  /// Gives the memory of what has been read back to the system.
  void forget() const;

 private:
  void open_shards(const std::filesystem::path& folder);

  std::vector<SafetensorsFile> files_;
  std::map<std::string, Found, std::less<>> tensors_;
};

}  // namespace causeway
