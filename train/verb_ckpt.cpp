// `causeway ckpt ls|show|verify`. Read next: core/checkpoint.h, checkpoint_files.h.
#include <filesystem>

#include "core/checkpoint.h"
#include "core/file.h"
#include "core/hf.h"
#include "core/json.h"
#include "core/safetensors.h"
#include "train/run_folder.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

namespace fs = std::filesystem;

/// RUN/checkpoints for a run's folder, or the folder itself when it is that one.
fs::path checkpoints_of(const fs::path& folder) {
  const fs::path inside = RunFolder(folder).checkpoints();
  if (fs::is_directory(inside)) return inside;
  if (fs::is_directory(folder)) return folder;
  throw Error({.id = "checkpoint.missing",
               .where = folder.string(),
               .what = "no such folder",
               .remedy = "name a run's folder, e.g. runs/char"});
}

/// One checkpoint: the folder itself when it has a manifest, else the newest of the run. Readers
/// change nothing, so a damaged one is shown, not set aside.
fs::path one_checkpoint(const fs::path& folder) {
  if (fs::exists(folder / kManifestName)) return folder;
  const auto all = CheckpointStore(checkpoints_of(folder)).list();
  if (!all.empty()) return all.front().folder;
  throw Error({.id = "checkpoint.missing",
               .where = folder.string(),
               .what = "there is no checkpoint here",
               .remedy = "name a run's folder or one of its checkpoints/step-..."});
}

double folder_bytes(const fs::path& folder) {
  double bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  return bytes;
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

class CkptLs final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("run", folder_, "a run's folder, e.g. runs/char")->required();
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const CheckpointStore store(checkpoints_of(folder_));
    const auto best = store.best();
    Json json = Json::array();
    for (const auto& c : store.list()) {
      const bool is_best = best && best->step == c.step;
      json.push_back({{"step", c.step},
                      {"val_loss", optional_json(c.val_loss)},
                      {"bytes", folder_bytes(c.folder)},
                      {"best", is_best},
                      {"folder", c.folder.string()}});
      if (format_ == OutputFormat::Json) continue;
      fmt::print("{:>10}  {:>14}  {:>10}  {}{}\n", format_count(c.step),
                 c.val_loss ? fmt::format("val loss {:.4f}", *c.val_loss) : "",
                 format_bytes(folder_bytes(c.folder)), c.folder.string(),
                 is_best ? "  (best)" : "");
    }
    if (format_ == OutputFormat::Json) {
      fmt::print("{}\n", json.dump(2));
    } else if (json.empty()) {
      fmt::print("{}: no checkpoints yet\n", folder_);
    }
    return ExitCode::Ok;
  }

 private:
  std::string folder_;
  OutputFormat format_ = OutputFormat::Text;
};

class CkptShow final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("checkpoint", folder_, "a checkpoint, or a run's folder: its newest")
        ->required();
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const fs::path folder = one_checkpoint(folder_);
    const Manifest manifest = read_manifest(folder);
    const SafetensorsFile weights(folder / "model.safetensors");
    const Json config = read_json(folder / "config.json");
    if (format_ == OutputFormat::Json) {
      print_json(folder, manifest, weights, config);
    } else {
      print_text(folder, manifest, weights, config);
    }
    return ExitCode::Ok;
  }

 private:
  static Json read_json(const fs::path& path) {
    return parse_json(read_file(path, "checkpoint"), path.string(), "checkpoint");
  }

  static int64_t elements(const TensorEntry& tensor) {
    int64_t n = 1;
    for (const int64_t size : tensor.shape) n *= size;
    return n;
  }

  static void print_json(const fs::path& folder, const Manifest& manifest,
                         const SafetensorsFile& weights, const Json& config) {
    Json tensors = Json::object(), files = Json::object();
    for (const auto& t : weights.entries()) {
      tensors[t.name] = {{"dtype", dtype_name(t.dtype)}, {"shape", t.shape}};
    }
    for (const auto& [name, record] : manifest.files) {
      files[name] = {{"size", record.size}, {"hash", record.hash}};
    }
    const Json json = {{"folder", folder.string()},
                       {"step", manifest.step},
                       {"val_loss", optional_json(manifest.val_loss)},
                       {"config", config},
                       {"files", files},
                       {"tensors", tensors}};
    fmt::print("{}\n", json.dump(2));
  }

  static void print_text(const fs::path& folder, const Manifest& manifest,
                         const SafetensorsFile& weights, const Json& config) {
    fmt::print("{}\n", folder.string());
    fmt::print("  step        {}\n", format_count(manifest.step));
    if (manifest.val_loss) fmt::print("  val loss    {:.4f}\n", *manifest.val_loss);
    fmt::print("  model type  {}\n",
               json_get<std::string>(config, "model_type", (folder / "config.json").string(),
                                     "checkpoint"));
    const std::string reason = choose_hf(read_hf_config(folder)).reason;
    if (!reason.empty()) fmt::print("              {}\n", reason);
    int64_t total = 0;
    for (const auto& tensor : weights.entries()) total += elements(tensor);
    fmt::print("  parameters  {} in {} tensors\n", format_count(total), weights.entries().size());
    for (const auto& [name, record] : manifest.files) {
      fmt::print("  {:<36} {:>11}  {}\n", name, format_bytes(static_cast<double>(record.size)),
                 record.hash);
    }
    fmt::print("tensors of model.safetensors\n");
    for (const auto& t : weights.entries()) {
      fmt::print("  {:<44} {:<5} ({})\n", t.name, dtype_name(t.dtype), fmt::join(t.shape, ", "));
    }
  }

  std::string folder_;
  OutputFormat format_ = OutputFormat::Text;
};

class CkptVerify final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("checkpoint", folder_, "a checkpoint, or a run's folder: all of its")
        ->required();
  }

  ExitCode run() override {
    std::vector<fs::path> folders;
    if (fs::exists(fs::path(folder_) / kManifestName)) {
      folders.push_back(folder_);
    } else {
      for (const auto& c : CheckpointStore(checkpoints_of(folder_)).list())
        folders.push_back(c.folder);
    }
    if (folders.empty()) one_checkpoint(folder_);  // throws, saying what to name
    size_t damaged = 0;
    for (const auto& folder : folders) damaged += !verify(folder);
    if (damaged == 0) return ExitCode::Ok;
    throw Error({.id = "checkpoint.corrupt",
                 .where = folder_,
                 .what = fmt::format("{} of {} checkpoints are damaged", damaged, folders.size()),
                 .remedy = "a resumed run takes the newest whole one by itself; "
                           "delete the damaged ones, or copy them again"});
  }

 private:
  static bool verify(const fs::path& folder) {
    const Verification result = verify_checkpoint(folder);
    fmt::print("{}: {}\n", folder.string(),
               result.ok ? fmt::format("ok, {} files", result.manifest.files.size()) : "damaged");
    for (const auto& problem : result.problems) fmt::print("  {}\n", problem);
    for (const auto& note : result.notes) fmt::print("  note: {}\n", note);
    return result.ok;
  }

  std::string folder_;
};

}  // namespace

std::unique_ptr<Verb> make_ckpt_ls() { return std::make_unique<CkptLs>(); }
std::unique_ptr<Verb> make_ckpt_show() { return std::make_unique<CkptShow>(); }
std::unique_ptr<Verb> make_ckpt_verify() { return std::make_unique<CkptVerify>(); }

}  // namespace causeway
