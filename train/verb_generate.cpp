// `causeway generate`: continues a prompt. Read next: generate.h, sampler.h.
#include <algorithm>
#include <cstdio>

#include "core/config_names.h"
#include "core/file.h"
#include "core/hf.h"
#include "core/json.h"
#include "data/utf8.h"
#include "train/generate.h"
#include "train/runtime.h"
#include "train/verbs.h"
#include "train/weights.h"

namespace causeway {
namespace {

class Generate final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("model", source_, "a run, a checkpoint, or a Hugging Face model folder")
        ->required();
    app.add_option("--prompt", prompt_, "the text to continue");
    app.add_option("--tokens", tokens_, "how many tokens to draw at most")->capture_default_str();
    app.add_option("--temperature", sampling_.temperature, "0: always the likeliest token")
        ->capture_default_str();
    app.add_option("--top-k", sampling_.top_k, "draw from the k likeliest; 0: all")
        ->capture_default_str();
    app.add_option("--top-p", sampling_.top_p, "draw from the likeliest that hold this probability")
        ->capture_default_str();
    app.add_option("--min-p", sampling_.min_p, "drop tokens below this share of the likeliest")
        ->capture_default_str();
    app.add_option("--repetition-penalty", sampling_.repetition_penalty, "above 1: repeat less")
        ->capture_default_str();
    app.add_option("--seed", sampling_.seed, "same seed, same text")->capture_default_str();
    app.add_option("--threads", train_.threads, "CPU threads; 0: one per core")
        ->capture_default_str();
    app.add_option("--tokenizer", tokenizer_, "a tokenizer file, if the model's folder has none");
    app.add_option("--logits-json", logits_json_,
                   "write tokens and logits of the prompt to this file, and stop");
  }

  ExitCode run() override {
    const std::filesystem::path folder = find_model_folder(source_);
    ModelConfig config = read_hf_config(folder);
    const auto tokenizer =
        load_tokenizer(tokenizer_.empty() ? folder : std::filesystem::path(tokenizer_));
    const Runtime runtime = make_runtime(DeviceChoice::Auto, train_);
    Backend& ops = *runtime.backend;
    Model model(config);
    const Precision precision = Precision::of(train_.precision);
    ModelState state(ops, config, model.params(), precision);
    load_weights(folder.string(), model, state, ops);
    Generator generator(ops, model, state, precision);
    const std::vector<int32_t> ids = prompt_tokens(*tokenizer, prompt_);
    if (!logits_json_.empty()) return write_logits(generator, ids);
    stream(generator, *tokenizer, ids);
    return ExitCode::Ok;
  }

 private:
  void stream(Generator& generator, const Tokenizer& tokenizer, std::vector<int32_t> ids) {
    Sampler sampler(sampling_);
    Utf8Stream utf8;  // a token may end inside a character
    const auto show = [](const std::string& text) {
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    };
    for (size_t i = 0; i < ids.size(); ++i)
      show(utf8.push(tokenizer.decode(ids[i], i ? std::optional(ids[i - 1]) : std::nullopt)));
    generator.start(ids);
    for (int64_t i = 0; i < tokens_; ++i) {
      const int32_t id = generator.next(sampler);
      if (id == tokenizer.end_of_text()) break;
      show(utf8.push(tokenizer.decode(id, ids.back())));
      ids.push_back(id);
    }
    show(utf8.finish() + "\n");
  }

  ExitCode write_logits(Generator& generator, const std::vector<int32_t>& ids) {
    Json rows = Json::array();
    for (size_t n = 1; n <= ids.size(); ++n) {
      generator.start({ids.data(), n});
      const auto logits = generator.logits();
      rows.push_back(std::vector<float>(logits.begin(), logits.end()));
    }
    write_file(logits_json_, Json{{"tokens", ids}, {"logits", rows}}.dump());
    return ExitCode::Ok;
  }

  std::string source_, prompt_, tokenizer_, logits_json_;
  int64_t tokens_ = 256;
  SamplerOptions sampling_;
  TrainConfig train_;  // threads and precision only
};

}  // namespace

std::unique_ptr<Verb> make_generate() { return std::make_unique<Generate>(); }

}  // namespace causeway
