// `causeway bench kernels`: every operation in a model's shapes, against this machine's roof. Read
// next: kernel_bench.h.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "core/file.h"
#include "core/presets.h"
#include "train/bench/compare.h"
#include "train/bench/kernel_bench.h"
#include "train/bench/plot.h"
#include "train/environment.h"
#include "train/verbs.h"

namespace causeway {
namespace {

std::string today() {
  const auto now = std::chrono::system_clock::now();
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(now)};
  return fmt::format("{:04}-{:02}-{:02}", int(day.year()), unsigned(day.month()),
                     unsigned(day.day()));
}

ModelConfig preset_of(const std::string& name) {
  if (const auto model = find_preset(name)) return *model;
  throw Error({.id = "usage.model",
               .where = "--model " + name,
               .what = "there is no such preset",
               .remedy = fmt::format("presets: {}", fmt::join(preset_names(), " "))});
}

/// Throws Error "disk.*" now, and not after all is measured; nothing for "".
void require_writable(const std::string& file) {
  if (file.empty()) return;
  if (std::filesystem::is_directory(file)) throw_disk_error(file, "written", EISDIR);
  const std::string probe = file + ".probe";
  write_file(probe, std::string_view());
  std::filesystem::remove(probe);
}

class BenchKernels final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app_ = &app;
    app.add_option("--op", ops_,
                   fmt::format("which operations, with commas: {}", fmt::join(kernel_ops(), ",")))
        ->delimiter(',');
    app.add_option("--model", model_, "the shapes of this preset")->capture_default_str();
    app.add_option("--batch", batch_, "sequences of the preset's block_size")
        ->check(CLI::Range(1, 1 << 16))
        ->capture_default_str();
    app.add_option("--shape", shape_, "other extents, e.g. B=8,T=1024,H=12,D=64");
    app.add_option("--dtype", dtype_, "of activations")
        ->check(CLI::IsMember({"f32", "bf16", "both"}))
        ->capture_default_str();
    add_device_option(app, device_);
    app.add_option("--threads", train_.threads, "CPU threads; 0: one per core")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--rounds", bench_.rounds,
                   "how often each row is measured; up to four times as often "
                   "with --compare, until the machine was as in the older report")
        ->check(CLI::Range(kLeastRounds, 1000))
        ->capture_default_str();
    app.add_flag_callback(
        "--warm", [this] { bench_.caches = Caches::Warm; }, "leave operands in caches");
    app.add_option_function<std::string>(
           "--rival",
           [this](const std::string& name) {
             bench_.rival = name == "cudnn" ? Rival::Cudnn : Rival::Naive;
           },
           "beside ours: naive (plain loops on one CPU thread, f32) or cudnn (attention on a GPU, "
           "bf16)")
        ->check(CLI::IsMember({"naive", "cudnn"}));
    app.add_option("--save", save_,
                   "write the JSON report to this file, for --compare and bench page");
    app.add_option(
        "--compare", compare_,
        "say what changed since this saved report: what exceeds the noise that each row is "
        "printed with, usually 9 to 16 %; of matmul, what its roof does not share");
    app.add_option("--plot", plot_,
                   "draw roofline and bars into this file (.svg; .png by rsvg-convert)");
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    // What can be wrong is said before minutes of measuring.
    if (!plot_.empty()) require_plot(plot_);
    require_writable(save_), require_writable(plot_);
    BenchReport before;
    if (!compare_.empty()) {
      before = read_report(compare_);
      bench_.more = [&](const RoundRoofs& now) { return !comparable(before.round_roofs, now); };
    }
    bench_.ops = ops_.empty() ? kernel_ops() : ops_;
    bench_.sizes = KernelSizes::of(preset_of(model_), batch_);
    if (!shape_.empty()) bench_.sizes.replace(shape_);
    if (ops_.empty() && !bench_.sizes.rope) std::erase(bench_.ops, "rope");
    for (const std::string& op : bench_.ops) kernel_cases(op, bench_.sizes);
    if (dtype_ != "bf16") bench_.dtypes.push_back(DType::F32);
    if (dtype_ != "f32") bench_.dtypes.push_back(DType::BF16);
    const BenchReport report = measured();
    if (!save_.empty()) replace_file(save_, to_json(report).dump(1) + "\n");
    if (!plot_.empty()) save_plot(plot_, report);
    show(report, before);
    return ExitCode::Ok;
  }

 private:
  void require_device_of_rival(const Runtime& runtime) const {
    if (bench_.rival == Rival::None) return;
    const bool naive = bench_.rival == Rival::Naive;
    if (runtime.on_host_memory == naive) return;
    throw Error({.id = "usage.rival",
                 .where = naive ? "--rival naive" : "--rival cudnn",
                 .what = naive ? "the naive kernels run on a CPU" : "cuDNN runs on a GPU",
                 .remedy = naive ? "add --device cpu" : "add --device cuda"});
  }

  /// What was asked for, but for files: they decide nothing, and lie elsewhere on other machines.
  std::string command() const {
    std::string text = "causeway bench kernels";
    for (const CLI::Option* option : app_->get_options()) {
      const std::string name = option->get_name();
      if (option->count() == 0 || name == "--save" || name == "--compare" || name == "--plot" ||
          name == "--json")
        continue;
      text += " " + name;
      if (name != "--warm") text += fmt::format(" {}", fmt::join(option->results(), ","));
    }
    return text;
  }

  BenchReport measured() const {
    const Runtime runtime = make_runtime(device_, train_);
    require_device_of_rival(runtime);
    const Environment environment = read_environment();
    BenchReport report{
        .title = fmt::format("kernels of {}, batch {}{}{}", model_, batch_,
                             shape_.empty() ? "" : ", " + shape_,
                             bench_.caches == Caches::Warm ? ", warm caches" : ""),
        .device = runtime.on_host_memory ? fmt::format("{}, {}", environment.cpu, runtime.device)
                                         : runtime.device,
        .version = fmt::format("causeway {} ({})", environment.version, environment.commit),
        .date = today(),
        .command = command(),
        .roofs = {},
        .round_roofs = {},
        .rows = {}};
    run_kernels(runtime, bench_, report);
    return report;
  }

  std::vector<Comparison> compared(const BenchReport& before, const BenchReport& report) const {
    const std::vector<Comparison> changes = compare(before, report);
    if (!changes.empty()) return changes;
    throw Error({.id = "usage.compare",
                 .where = compare_,
                 .what = "it has none of the rows that were measured now",
                 .remedy = "compare with a report of the same --op, --model, --shape and --dtype"});
  }

  void show(const BenchReport& report, const BenchReport& before) const {
    std::vector<Comparison> changes;
    if (!compare_.empty()) changes = compared(before, report);
    if (format_ == OutputFormat::Json) {
      Json json = to_json(report);
      if (!compare_.empty()) json["changes"] = to_json(changes);
      fmt::print("{}\n", json.dump(2));
      return;
    }
    print(report);
    if (!compare_.empty()) print_changes(changes, before, report);
  }

  const CLI::App* app_ = nullptr;  // the options, to tell them again
  std::vector<std::string> ops_;
  std::string model_ = "gpt2-124m", shape_, dtype_ = "both";
  std::string save_, compare_, plot_;
  DeviceChoice device_ = DeviceChoice::Auto;
  int64_t batch_ = 1;
  TrainConfig train_;
  KernelBench bench_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_bench_kernels() { return std::make_unique<BenchKernels>(); }

}  // namespace causeway
