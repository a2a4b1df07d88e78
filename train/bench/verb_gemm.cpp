// `causeway bench gemm`: the matrix products of a config's training step, one by one; with --tune,
// on a GPU, by every algorithm that the library offers, for the table of the products that have a
// better one than its first choice. Read next: step_products.h, cuda/gemm_table.h.
#include "core/file.h"
#include "core/product.h"
#include "train/bench/bench_config.h"
#include "train/bench/step_products.h"
#include "train/bench/timing.h"

namespace causeway {
namespace {

enum class Tuning : uint8_t { None, Tune };

class BenchGemm final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    arguments_.add_to(app);
    app.add_flag_callback(
        "--tune", [this] { tuning_ = Tuning::Tune; },
        "on a GPU: time every algorithm, and print rows for cuda/gemm_table.tsv");
    app.add_option("--save", save_, "with --tune: write the rows to this file");
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const Config config = load_for_bench(arguments_);
    if (!save_.empty() && tuning_ == Tuning::None)
      throw Error({.id = "usage.save",
                   .where = "--save " + save_,
                   .what = "only tuning makes rows to be saved",
                   .remedy = "add --tune"});
    const Runtime runtime =
        make_runtime(tuning_ == Tuning::Tune ? DeviceChoice::Cuda : config.device, config.train);
    Json products = Json::array();
    std::string rows;
    if (format_ == OutputFormat::Text)
      fmt::print("products of a step of {} on {}\n", config.run.name, runtime.device);
    for (const Matmul& product : step_products(config)) {
      const Json measured = measure(runtime, product);
      rows += measured.value("row", "");
      if (format_ == OutputFormat::Text) print(measured);
      products.push_back(measured);
    }
    if (format_ == OutputFormat::Json)
      fmt::print("{}\n", Json{{"device", runtime.device}, {"products", products}}.dump(2));
    else if (tuning_ == Tuning::Tune && save_.empty())
      fmt::print("\nrows for cuda/gemm_table.tsv:\n{}", rows);
    if (!save_.empty()) replace_file(save_, rows);
    return ExitCode::Ok;
  }

 private:
  Json measure(const Runtime& runtime, const Matmul& product) const {
    const ProductOperands operands(*runtime.backend, product);
    Json json = {{"product", product_name(product)}};
    TunedProduct tuned;
    if (tuning_ == Tuning::Tune) tuned = tune_product(runtime, operands.op());
    if (tuned.algorithms > 0) {
      json["algorithms"] = tuned.algorithms;
      json["first_seconds"] = tuned.first_seconds, json["seconds"] = tuned.best_seconds;
      if (!tuned.row.empty()) json["row"] = tuned.row + "\n";
    } else {
      Stopwatch watch(runtime, Caches::Warm);
      json["seconds"] = watch.sample(kSeconds, [&] { runtime.backend->matmul(operands.op()); });
    }
    json["flops_per_second"] = product_flops(product) / json["seconds"].get<double>();
    return json;
  }

  static void print(const Json& m) {
    std::string tuned;
    if (m.contains("algorithms"))
      tuned = fmt::format("  {} algorithms, the first {}", m["algorithms"].get<int>(),
                          format_time(m["first_seconds"]));
    fmt::print("  {:<60} {:>9} {:>9.1f} GFLOP/s{}\n", m["product"].get<std::string>(),
               format_time(m["seconds"]), m["flops_per_second"].get<double>() / 1e9, tuned);
  }

  static constexpr double kSeconds = 0.2;  ///< for each product

  ConfigArguments arguments_;
  Tuning tuning_ = Tuning::None;
  std::string save_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_gemm() { return std::make_unique<BenchGemm>(); }

}  // namespace causeway
