// See checkpoint_manifest.h.
#include "core/checkpoint_manifest.h"

#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/json.h"

namespace causeway {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kVersion = 1;
// The manifest's own hash is taken with these digits in its place.
const std::string kNoHash(32, '0');
// Where the digits stand: the first key of the file, as Json::dump(2) writes it.
const std::string kHashKey = "{\n  \"manifest_hash\": \"";

[[noreturn]] void fail_manifest(const fs::path& path, const std::string& what) {
  throw Error({.id = "checkpoint.corrupt",
               .where = path.string(),
               .what = what,
               .remedy = "the checkpoint is damaged: use another one"});
}

std::string to_text(const Manifest& manifest) {
  Json json;
  json["manifest_hash"] = kNoHash;
  json["version"] = kVersion;
  json["step"] = manifest.step;
  json["val_loss"] = manifest.val_loss ? Json(*manifest.val_loss) : Json(nullptr);
  json["files"] = Json::object();
  for (const auto& [name, record] : manifest.files)
    json["files"][name] = {{"size", record.size}, {"hash", record.hash}};
  std::string text = json.dump(2) + "\n";
  return text.replace(kHashKey.size(), kNoHash.size(), hash_hex(text));
}

Manifest from_json(const Json& json, const std::string& where) {
  const auto get = [&]<class T>(T& field, const Json& object, std::string_view key) {
    field = json_get<T>(object, key, where, "checkpoint");
  };
  int64_t version = 0;
  get(version, json, "version");
  if (version != kVersion)
    throw Error({.id = "checkpoint.version",
                 .where = where,
                 .what = fmt::format("is of version {}, this program reads {}", version, kVersion),
                 .remedy = "use the version of Causeway that wrote it"});
  Manifest manifest;
  get(manifest.step, json, "step");
  if (const Json& loss = json.value("val_loss", Json()); loss.is_number())
    manifest.val_loss = loss.get<double>();
  Json files;
  get(files, json, "files");
  for (const auto& file : files.items()) {
    FileRecord& record = manifest.files[file.key()];
    get(record.size, file.value(), "size");
    get(record.hash, file.value(), "hash");
  }
  return manifest;
}

/// What this user may not read is not damaged: nothing must be set aside because of it.
void refuse_forbidden(const Error& error) {
  if (error.id() == "checkpoint.permission") throw Error(error);
}

/// What is wrong with one file of the list, or "".
std::string problem_of(const fs::path& folder, const std::string& name, const FileRecord& record) {
  const fs::path path = folder / name;
  // A name with a slash would lead out of the folder.
  if (path.filename() != name) return fmt::format("\"{}\" is no file name", name);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return fmt::format("{} is missing", name);
  if (!fs::is_regular_file(status)) return fmt::format("{} is no file", name);
  const uintmax_t size = fs::file_size(path, error);
  if (error) return fmt::format("{} cannot be read: {}", name, error.message());
  if (size != record.size)
    return fmt::format("{} has {} bytes, {} were written", name, size, record.size);
  try {
    if (hash_file(path, "checkpoint") == record.hash) return "";
    return fmt::format("{} has other content than was written", name);
  } catch (const Error& e) {
    refuse_forbidden(e);
    return fmt::format("{} {}", name, e.info().what);
  }
}

/// step-XXXXXXXX says which step it holds; a folder copied or renamed by hand may lie.
std::string problem_of_name(const fs::path& folder, int64_t step) {
  const std::string name = folder.filename().string();
  if (name.rfind("step-", 0) != 0 || name == step_name(step)) return "";
  return fmt::format("the folder is named {} and holds step {}", name, step);
}

std::vector<std::string> unknown_files(const fs::path& folder, const Manifest& manifest) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name != kManifestName && !manifest.files.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace

std::string step_name(int64_t step) { return fmt::format("step-{:08}", step); }

Manifest write_manifest(const fs::path& folder, int64_t step, std::optional<double> val_loss) {
  Manifest manifest;
  manifest.step = step;
  // JSON has no infinity, and a loss that is not a number is nobody's best.
  if (val_loss && std::isfinite(*val_loss)) manifest.val_loss = val_loss;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    CHECK(it->is_regular_file(), "{} is no file", it->path().string());
    // The writers have synced; those that forgot must not make the checkpoint a lie.
    sync_path(it->path());
    FileRecord record;
    record.size = it->file_size();
    record.hash = hash_file(it->path(), "checkpoint");
    manifest.files[it->path().filename().string()] = record;
  }
  if (error) throw_disk_error(folder, "listed", error.value());
  write_file(folder / kManifestName, to_text(manifest));
  return manifest;
}

Manifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  std::string text = read_file(path, "checkpoint");
  const size_t end = kHashKey.size() + kNoHash.size();
  if (text.size() < end || text.compare(0, kHashKey.size(), kHashKey) != 0)
    fail_manifest(path, "is no manifest, or its beginning is damaged");
  const std::string hash = text.substr(kHashKey.size(), kNoHash.size());
  text.replace(kHashKey.size(), kNoHash.size(), kNoHash);
  if (hash_hex(text) != hash) fail_manifest(path, "does not match its own hash");
  try {
    return from_json(parse_json(text, path.string(), "checkpoint"), path.string());
  } catch (const Error& error) {
    if (error.id() != "checkpoint.json") throw;
    fail_manifest(path, error.info().what);
  }
}

Verification verify_checkpoint(const fs::path& folder) {
  Verification result;
  try {
    result.manifest = read_manifest(folder);
  } catch (const Error& error) {
    refuse_forbidden(error);
    result.problems.push_back(fmt::format("{} {}", kManifestName, error.info().what));
    return result;
  }
  const auto report = [&](const std::string& problem) {
    if (!problem.empty()) result.problems.push_back(problem);
  };
  report(problem_of_name(folder, result.manifest.step));
  for (const auto& [name, record] : result.manifest.files) report(problem_of(folder, name, record));
  for (const std::string& name : unknown_files(folder, result.manifest))
    result.notes.push_back(fmt::format("{} is not part of the checkpoint", name));
  result.ok = result.problems.empty();
  return result;
}

}  // namespace causeway
