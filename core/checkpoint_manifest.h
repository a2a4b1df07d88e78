// manifest.json: the list of a checkpoint's files with size and hash, which makes a folder a
// checkpoint. Read next: checkpoint.h, how folders come and go.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace causeway {

inline constexpr const char* kManifestName = "manifest.json";

struct FileRecord {
  uint64_t size = 0;  ///< bytes
  std::string hash;   ///< XXH3-128, 32 hex digits
  bool operator==(const FileRecord&) const = default;
};

struct Manifest {
  int64_t step = 0;
  std::optional<double> val_loss;  ///< nats per token; absent when no finite one was measured
  std::map<std::string, FileRecord> files;  ///< by name; every file but the manifest itself
  bool operator==(const Manifest&) const = default;
};

/// "step-00001000": the name of a checkpoint's folder.
std::string step_name(int64_t step);

/// Lists and hashes the files of `folder` (plain files only, no subfolders), syncs each, and writes
/// manifest.json, synced. Throws Error "disk.*".
Manifest write_manifest(const std::filesystem::path& folder, int64_t step,
                        std::optional<double> val_loss);

/// Throws Error "checkpoint.missing" when there is none, "checkpoint.corrupt" when its own hash or
/// its content is wrong, "checkpoint.version" when a later program wrote it. Says nothing about the
/// other files.
Manifest read_manifest(const std::filesystem::path& folder);

struct Verification {
  bool ok = false;
  std::vector<std::string> problems;  ///< what makes it unusable; empty when ok
  std::vector<std::string> notes;     ///< files the manifest does not know: ignored, never fatal
  Manifest manifest;                  ///< meaningful when ok
};

/// Reads every file of the checkpoint and compares it with the manifest, and the manifest's step
/// with the folder's name where that has the form step-XXXXXXXX. Throws nothing about the content;
/// Error "checkpoint.permission" where this user may not read it.
Verification verify_checkpoint(const std::filesystem::path& folder);

}  // namespace causeway
