// `causeway data prepare|verify|info`. Read next: data/prepare.h, data/dataset.h.
#include "data/dataset.h"
#include "data/prepare.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

void print_info(const std::filesystem::path& folder, const DatasetInfo& info) {
  fmt::print("{}\n", folder.string());
  fmt::print("  text        {} ({}, {} document{})\n", info.source,
             format_bytes(static_cast<double>(info.source_bytes)), format_count(info.documents),
             info.documents == 1 ? "" : "s");
  fmt::print("  tokenizer   {}, vocabulary {}\n", info.tokenizer, format_count(info.vocab_size));
  fmt::print("  train       {} tokens in {} file(s)\n", format_count(info.train_tokens()),
             info.train.size());
  fmt::print("  val         {} tokens in {} file(s)\n", format_count(info.val_tokens()),
             info.val.size());
  fmt::print("  hash        {}\n", info.content_hash());
}

class DataPrepare final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("source", source_, "text file, folder of text files, or - for standard input")
        ->required();
    app.add_option("output", output_, "folder to make, e.g. datasets/austen")->required();
    app.add_option("--tokenizer", options_.tokenizer, "byte | char | a tokenizer file or folder")
        ->capture_default_str();
    app.add_option("--val-fraction", options_.val_fraction, "share of the text to validate on")
        ->capture_default_str();
  }

  ExitCode run() override {
    options_.source = source_;
    options_.output = output_;
    const PrepareResult result = prepare_dataset(options_);
    if (result.already_prepared) fmt::print("prepared already, nothing to do:\n");
    print_info(result.folder, result.info);
    fmt::print("use it:  data.source={}\n", result.folder.string());
    return ExitCode::Ok;
  }

 private:
  std::string source_, output_;
  PrepareOptions options_;
};

class DataVerify final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("folder", folder_, "prepared folder")->required();
  }

  ExitCode run() override {
    const VerifyResult result = verify_dataset(folder_);
    if (result.faults.empty()) {
      fmt::print("{}: ok, {} files, {} tokens\n", folder_, result.files,
                 format_count(result.tokens));
      return ExitCode::Ok;
    }
    std::string faults = fmt::format("{} file(s) are damaged:", result.faults.size());
    for (const auto& fault : result.faults)
      faults += fmt::format("\n  {}: {}", fault.file, fault.what);
    throw Error({.id = "data.corrupt",
                 .where = folder_,
                 .what = faults,
                 .remedy = "copy these files again, or prepare the folder anew: "
                           "causeway data prepare TEXT FOLDER"});
  }

 private:
  std::string folder_;
};

class DataInfo final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("folder", folder_, "prepared folder")->required();
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const DatasetInfo info = read_dataset_info(folder_);
    if (format_ == OutputFormat::Json) {
      fmt::print("{}\n", to_json(info));
    } else {
      print_info(folder_, info);
    }
    return ExitCode::Ok;
  }

 private:
  std::string folder_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_data_prepare() { return std::make_unique<DataPrepare>(); }
std::unique_ptr<Verb> make_data_verify() { return std::make_unique<DataVerify>(); }
std::unique_ptr<Verb> make_data_info() { return std::make_unique<DataInfo>(); }

}  // namespace causeway
