// `causeway bench generate`: reading a prompt and writing tokens, with a config's model and random
// weights, since speed needs no training. Read next: train/generate.h.
#include "core/json.h"
#include "train/bench/bench_config.h"
#include "train/bench/timing.h"
#include "train/generate.h"
#include "train/measure.h"
#include "train/terminal.h"

namespace causeway {
namespace {

class BenchGenerate final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    app.add_option("--prompt-tokens", prompt_, "how long the prompt is; 0: half the block_size")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--tokens", tokens_,
                   "how many to write after it; 0: a quarter of the block_size")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--rounds", rounds_, "how often to measure")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const Config config = load_for_bench(arguments_);
    const int64_t T = config.model.block_size;
    const int64_t prompt = prompt_ > 0 ? prompt_ : std::max<int64_t>(1, T / 2);
    const int64_t tokens = tokens_ > 0 ? tokens_ : std::max<int64_t>(1, T / 4);
    if (prompt + tokens > T)
      throw Error(
          {.id = "usage.bench",
           .where = "--prompt-tokens, --tokens",
           .what = fmt::format("{} + {} tokens exceed model.block_size {}", prompt, tokens, T),
           .remedy = "ask for fewer, or raise model.block_size"});
    const Runtime runtime = make_runtime(config.device, config.train);
    const Precision precision = Precision::of(config.train.precision);
    Model model(config.model);
    ModelState state(*runtime.backend, config.model, model.params(), precision);
    state.initialise(*runtime.backend, config.run.seed);
    Generator generator(*runtime.backend, model, state, precision);
    measure(generator, std::vector<int32_t>(static_cast<size_t>(prompt), 1), tokens);
    print(runtime, config, prompt, tokens);
    return ExitCode::Ok;
  }

 private:
  void measure(Generator& generator, const std::vector<int32_t>& prompt, int64_t tokens) {
    std::vector<double> reading, writing;
    for (int round = 0; round <= rounds_; ++round) {
      Sampler sampler({.top_k = 50});
      const double begin = now_seconds();
      generator.start(prompt);
      const double middle = now_seconds();
      for (int64_t i = 0; i < tokens; ++i) generator.next(sampler);
      const double end = now_seconds();
      if (round == 0) continue;  // warms up
      reading.push_back(static_cast<double>(prompt.size()) / (middle - begin));
      writing.push_back(static_cast<double>(tokens) / (end - middle));
    }
    reading_ = spread_of(reading), writing_ = spread_of(writing);
  }

  void print(const Runtime& runtime, const Config& config, int64_t prompt, int64_t tokens) const {
    if (format_ == OutputFormat::Json) {
      fmt::print("{}\n", Json{{"config", config.run.name},
                              {"device", runtime.device},
                              {"vocab_size", *config.model.vocab_size},
                              {"prompt_tokens", prompt},
                              {"tokens", tokens},
                              {"prompt_tokens_per_second", reading_.median},
                              {"tokens_per_second", writing_.median},
                              {"tokens_per_second_low", writing_.low},
                              {"tokens_per_second_high", writing_.high}}
                             .dump(2));
      return;
    }
    fmt::print(
        "{} on {}, vocabulary {}\n  prompt of {:<6} {:>9} tokens/s, ± {:.0f} %\n  {:>6} tokens    "
        "{:>9} "
        "tokens/s, ± {:.0f} %, {} each\n",
        config.run.name, runtime.device, *config.model.vocab_size, prompt,
        format_count(static_cast<int64_t>(reading_.median)), 100 * reading_.noise(), tokens,
        format_count(static_cast<int64_t>(writing_.median)), 100 * writing_.noise(),
        format_time(1 / writing_.median));
  }

  ConfigArguments arguments_;
  int64_t prompt_ = 0, tokens_ = 0;
  int rounds_ = 9;
  Spread reading_, writing_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_generate() { return std::make_unique<BenchGenerate>(); }

}  // namespace causeway
