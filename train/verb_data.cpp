// `causeway data prepare|verify|info`. Read next: data/prepare.h, data/dataset.h.
#include "data/dataset.h"
#include "data/prepare.h"
#include "data/statistics.h"
#include "train/signals.h"
#include "train/source_arguments.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

void print_info(const std::filesystem::path& folder, const DatasetInfo& info) {
  fmt::print("{}\n", folder.string());
  fmt::print("  text        {} ({}, {} document{})\n", info.source,
             format_bytes(static_cast<double>(info.source_bytes)), format_count(info.documents),
             info.documents == 1 ? "" : "s");
  if (!info.recipe.empty()) fmt::print("  made        {}\n", info.recipe);
  if (info.dropped_documents > 0)
    fmt::print("  dropped     {} documents that were there already\n",
               format_count(info.dropped_documents));
  fmt::print("  tokenizer   {}, vocabulary {}\n", info.tokenizer, format_count(info.vocab_size));
  fmt::print("  train       {} tokens in {} file(s)\n", format_count(info.train_tokens()),
             info.train.size());
  fmt::print("  val         {} tokens in {} file(s)\n", format_count(info.val_tokens()),
             info.val.size());
  fmt::print("  hash        {}\n", info.content_hash());
}

constexpr const char* phase_name(PreparePhase phase) {
  switch (phase) {
    case PreparePhase::Survey:
      return "looking through the text";
    case PreparePhase::Encode:
      return "encoding";
    case PreparePhase::Write:
      return "writing shards";
  }
  return "";
}

class DataPrepare final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("paths", paths_,
                   "texts (files, folders, patterns, packed or not, or - for standard input), then "
                   "the folder to make, e.g. datasets/austen")
        ->required()
        ->type_name("TEXT... FOLDER");
    app.add_option("--tokenizer", options_.tokenizer, "byte | char | a tokenizer file or folder")
        ->capture_default_str();
    documents_.add_to(app);
    app.add_option("--val-fraction", options_.val_fraction, "share of the text to validate on")
        ->capture_default_str();
    app.add_option("--val-by", val_by_, "end (of the text) | document | auto")
        ->capture_default_str();
    app.add_flag("--shuffle", shuffle_, "bring the documents into a random order");
    app.add_option("--seed", options_.seed, "of --shuffle and --val-by document")
        ->capture_default_str();
    app.add_flag("--dedup", dedup_, "drop documents that were there already");
    app.add_option("--shard-tokens", options_.shard_tokens, "tokens per file")
        ->capture_default_str();
    app.add_option("--threads", options_.threads, "threads to use")->capture_default_str();
  }

  ExitCode run() override {
    take_arguments();
    const SignalGuard signals;
    options_.stop = [&] { return signals.received() != 0; };
    ReadingLine line(detect_terminal(stderr));
    options_.progress = [&](const PrepareProgress& progress) {
      line.show(phase_name(progress.phase), progress.taken, progress.total);
    };
    const PrepareResult result = prepare_dataset(options_);
    line.clear();
    if (result.outcome == PrepareOutcome::Interrupted) {
      fmt::print("stopped by {}; the same command continues\n", signal_name(signals.received()));
      return ExitCode::Saved;
    }
    if (result.outcome == PrepareOutcome::Found) fmt::print("prepared already, nothing to do:\n");
    print_info(result.folder, result.info);
    fmt::print("use it:  data.source={}\n", result.folder.string());
    return ExitCode::Ok;
  }

 private:
  void take_arguments() {
    const auto refuse = [](const char* id, std::string what, const char* remedy) {
      throw Error({.id = id, .where = "", .what = std::move(what), .remedy = remedy});
    };
    if (paths_.size() < 2)
      refuse("usage.paths", "a text and the folder to make are wanted",
             "e.g.: causeway data prepare my_text.txt datasets/mine");
    options_.output = paths_.back();
    options_.sources.assign(paths_.begin(), paths_.end() - 1);
    options_.documents = documents_.options();
    if (shuffle_) options_.order = DocumentOrder::Shuffled;
    if (dedup_) options_.duplicates = Duplicates::Drop;
    if (val_by_ == "end") {
      options_.val_split = ValSplit::End;
    } else if (val_by_ == "document") {
      options_.val_split = ValSplit::Document;
    } else if (val_by_ != "auto") {
      refuse("usage.val_by", fmt::format("--val-by is \"{}\"", val_by_), "end, document or auto");
    }
  }

  std::vector<std::string> paths_;
  DocumentArguments documents_;
  std::string val_by_ = "auto";
  bool shuffle_ = false, dedup_ = false;
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

class DataInfoVerb final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("folder", folder_, "prepared folder")->required();
    app.add_flag("--tokens", tokens_, "also count every token, and show the text's beginning");
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const DatasetInfo info = read_dataset_info(folder_);
    if (format_ == OutputFormat::Json) {
      fmt::print("{}\n", to_json(info));
    } else {
      print_info(folder_, info);
      if (tokens_) print_tokens();
    }
    return ExitCode::Ok;
  }

 private:
  void print_tokens() const {
    DataConfig config;
    config.source = folder_;
    const Dataset data = open_dataset(config, {}, {});
    for (const TokenFiles* split : {&data.train, &data.val}) {
      if (split->size() == 0) continue;
      const TokenStatistics found = token_statistics(*split, *data.tokenizer);
      fmt::print("{}:\n", split == &data.train ? "train" : "val");
      fmt::print("  documents   {}\n", format_count(found.documents));
      fmt::print("  text        {}, {:.3f} bytes per token\n",
                 format_bytes(static_cast<double>(found.text_bytes)), found.bytes_per_token());
      fmt::print("  ids used    {} of {}\n", format_count(found.used),
                 format_count(data.vocab_size));
      fmt::print("  entropy     {:.3f} bits per token, {:.3f} per byte (of single tokens)\n",
                 found.bits_per_token, found.bits_per_byte());
      fmt::print("  most often ");
      for (const auto& [id, count] : found.most_frequent)
        fmt::print(" {}", quoted(data.tokenizer->decode(id)));
      fmt::print("\n  begins      {}\n", quoted(beginning_of(*split, *data.tokenizer, 60)));
    }
  }

  std::string folder_;
  bool tokens_ = false;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_data_prepare() { return std::make_unique<DataPrepare>(); }
std::unique_ptr<Verb> make_data_verify() { return std::make_unique<DataVerify>(); }
std::unique_ptr<Verb> make_data_info() { return std::make_unique<DataInfoVerb>(); }

}  // namespace causeway
