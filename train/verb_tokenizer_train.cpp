// `causeway tokenizer train`. Read next: data/count_corpus.h, data/bpe_train.h.
#include "core/file.h"
#include "data/bpe_train.h"
#include "data/count_corpus.h"
#include "data/in_order.h"
#include "train/signals.h"
#include "train/source_arguments.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class TokenizerTrain final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("paths", paths_,
                   "texts (files, folders, patterns, packed or not), then the file to write, e.g. "
                   "datasets/bpe.json")
        ->required()
        ->type_name("TEXT... FILE");
    app.add_option("--vocab-size", train_.vocab_size, "bytes, merges and special tokens together")
        ->capture_default_str();
    app.add_option("--pattern", train_.pattern,
                   "how text is cut: gpt2 | cl100k | o200k | a regular expression (PCRE2)")
        ->capture_default_str();
    app.add_option("--special", train_.special, "special tokens, in the order of their ids")
        ->capture_default_str();
    app.add_option("--min-frequency", train_.min_count, "pairs seen less often are not merged")
        ->capture_default_str();
    app.add_option("--ties", ties_,
                   "which of equally frequent pairs comes first: smallest-ids (as Hugging Face) | "
                   "greatest-bytes")
        ->capture_default_str();
    documents_.add_to(app);
    app.add_option("--sample", count_.sample_bytes, "bytes of text to count, about")
        ->capture_default_str();
    app.add_option("--seed", count_.seed, "of --sample")->capture_default_str();
    app.add_option("--threads", threads_, "threads to use")->capture_default_str();
  }

  ExitCode run() override {
    take_arguments();
    ReadingLine line(detect_terminal(stderr));
    count_.progress = [&](int64_t taken, int64_t total) {
      line.show("counting words", taken, total);
    };
    const CountResult counted = count_corpus(count_);
    BpeVocab vocab = train_bpe(counted.words, train_, [&](int64_t merges) {
      line.say(fmt::format("merging  {} of {}", merges, train_.vocab_size));
      return true;
    });
    line.clear();
    const auto tokenizer = make_bpe_tokenizer(std::move(vocab), output_);
    replace_file(output_, tokenizer->to_json());
    fmt::print("{}: {} tokens from {} of text ({} different words{})\n", output_,
               format_count(tokenizer->vocab_size()),
               format_bytes(static_cast<double>(counted.bytes)),
               format_count(static_cast<int64_t>(counted.words.size())),
               counted.skipped > 0 ? ", a sample" : "");
    if (tokenizer->vocab_size() < train_.vocab_size)
      fmt::print("fewer than asked for: no other pair was seen {} times\n", train_.min_count);
    fmt::print("use it:  causeway data prepare TEXT FOLDER --tokenizer {}\n", output_);
    return ExitCode::Ok;
  }

 private:
  void take_arguments() {
    if (paths_.size() < 2)
      throw Error({.id = "usage.paths",
                   .where = "",
                   .what = "a text and the file to write are wanted",
                   .remedy = "e.g.: causeway tokenizer train my_text.txt datasets/bpe.json"});
    if (ties_ == "greatest-bytes") {
      train_.ties = TieRule::GreatestBytes;
    } else if (ties_ != "smallest-ids") {
      throw Error({.id = "usage.ties",
                   .where = "",
                   .what = fmt::format("--ties is \"{}\"", ties_),
                   .remedy = "smallest-ids or greatest-bytes"});
    }
    check_options(train_);
    output_ = paths_.back();
    count_.sources.assign(paths_.begin(), paths_.end() - 1);
    count_.documents = documents_.options();
    count_.pattern = train_.pattern;
    count_.threads = std::max(1, threads_);
  }

  std::vector<std::string> paths_;
  std::string output_, ties_ = "smallest-ids";
  DocumentArguments documents_;
  CountOptions count_;
  BpeTrainOptions train_;
  int threads_ = default_threads();
};

}  // namespace

std::unique_ptr<Verb> make_tokenizer_train() { return std::make_unique<TokenizerTrain>(); }

}  // namespace causeway
