// `causeway bench data`: how many tokens per second the loader hands out. Read next: data/loader.h.
#include "core/json.h"
#include "data/loader.h"
#include "train/bench/timing.h"
#include "train/measure.h"
#include "train/run_data.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class BenchData final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    app.add_option("--rounds", rounds_, "how often to measure")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    Config config = arguments_.load();
    const Dataset dataset = open_run_data(config);
    resolve_with_data(config, dataset);
    const int64_t B = *config.train.micro_batch_size, T = config.model.block_size;
    const Loader loader = training_loader(config, dataset);
    HostBatch batch(B, T);
    std::vector<double> rates;
    int64_t next = 0;
    for (int round = 0; round <= rounds_; ++round) {
      const double begin = now_seconds();
      const int64_t first = next;
      double elapsed = 0;
      do {
        loader.fill(next++, batch);
        elapsed = now_seconds() - begin;
      } while (elapsed < kSeconds);
      // The first round reads what the system has not in memory yet.
      if (round > 0) rates.push_back(static_cast<double>((next - first) * B * T) / elapsed);
    }
    print(config, spread_of(rates), next * B * T);
    return ExitCode::Ok;
  }

 private:
  static constexpr double kSeconds = 0.1;  // of a round

  void print(const Config& config, const Spread& rate, int64_t tokens) const {
    if (format_ == OutputFormat::Json) {
      fmt::print("{}\n", Json{{"data", config.data.source},
                              {"tokens", tokens},
                              {"tokens_per_second", rate.median},
                              {"low", rate.low},
                              {"high", rate.high}}
                             .dump(2));
      return;
    }
    fmt::print("{}: {} tokens/s (± {:.0f} %), micro-batches of {} x {}\n", config.data.source,
               format_count(static_cast<int64_t>(rate.median)), 100 * rate.noise(),
               *config.train.micro_batch_size, config.model.block_size);
  }

  ConfigArguments arguments_;
  int rounds_ = 9;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_data() { return std::make_unique<BenchData>(); }

}  // namespace causeway
