// The bench's honesty: what is slow shows as slow, what has not changed raises no alarm, and the
// page of benchmarks is what the stored reports say.
#include <fstream>

#include "core/config_load.h"
#include "core/presets.h"
#include "tests/error_of.h"
#include "tests/train/shell.h"
#include "train/bench/compare.h"
#include "train/bench/kernel_bench.h"
#include "train/bench/page.h"
#include "train/bench/plot.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

BenchReport report_of(double seconds, double share, double noise = 0.01) {
  const auto spread = [&](double v) { return Spread{v, v * (1 - noise), v * (1 + noise)}; };
  return {.title = "t",
          .device = "d",
          .version = "v",
          .date = "2026-01-02",
          .roofs = {{"f32 matmul", 1e11}, {"copy", 1e10}},
          .rows = {{.name = "norm/x forward",
                    .dtype = "f32",
                    .seconds = spread(seconds),
                    .flops = 1e9,
                    .bytes = 1e8,
                    .bound = "copy",
                    .share = spread(share)}}};
}

/// All that an error says, in one text.
template <class Action>
std::string said(const Action& action) {
  const ErrorInfo e = error_of(action);
  return fmt::format("error[{}] {}: {}\n{}", e.id, e.where, e.what, e.remedy);
}

Change change(const BenchReport& before, const BenchReport& now) {
  return compare(before, now).at(0).change;
}

KernelBench tiny_bench(std::vector<std::string> ops) {
  KernelBench bench{.ops = std::move(ops), .dtypes = {DType::F32}, .rounds = 3};
  bench.sizes = {.B = 2, .T = 64, .C = 64, .H = 2, .K = 2, .D = 32, .F = 256, .V = 500, .n = 50000};
  return bench;
}

}  // namespace

TEST_CASE("a comparison tells a slower kernel from a slower machine and from noise") {
  const BenchReport before = report_of(1e-3, 0.8);
  CHECK(change(before, report_of(2e-3, 0.4)) == Change::Slower);
  CHECK(change(before, report_of(0.5e-3, 1.6)) == Change::Faster);
  CHECK(change(before, report_of(2e-3, 0.8)) == Change::None);  // all of the machine is slower
  CHECK(change(before, report_of(1e-3, 0.4)) == Change::None);  // only the roof was disturbed
  CHECK(change(before, report_of(1.04e-3, 0.77)) == Change::None);
  CHECK(change(before, report_of(1.3e-3, 0.6, 0.1)) == Change::None);  // within that noise
}

TEST_CASE("a spread is the median and the middle half") {
  const Spread s = spread_of({5, 1, 4, 2, 3, 100, 0});
  CHECK(s.median == 3);
  CHECK(s.low == 1);
  CHECK(s.high == 5);
}

TEST_CASE("plain loops show as slower than ours, and every row has a time and a share") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  KernelBench bench = tiny_bench(kernel_ops());
  bench.rival = Rival::Naive;
  BenchReport report;
  run_kernels(runtime, bench, report);
  int rivals = 0;
  for (const BenchRow& row : report.rows) {
    INFO(row.name);
    CHECK(row.seconds.median > 0);
    CHECK(row.share.median > 0);
    CHECK(row.bytes > 0);
    if (row.rival.empty()) continue;
    ++rivals;
    // Five times as slow (norm) to fifty: these bounds leave room for a busy machine.
    CHECK(row.ratio() > (row.name.starts_with("norm") ? 1 : 3));
  }
  CHECK(rivals == 9);  // five products, attention, norm, gelu, the loss
  CHECK(report.roof("copy") > 0);
  CHECK(report.roof("f32 matmul") > 0);
}

TEST_CASE("a rival that computes something else, NaN, a part or nothing is not timed") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  Backend& ops = *runtime.backend;
  const OpCase c = kernel_cases("activation", tiny_bench({}).sizes).at(0);
  CaseTensors tensors(ops, c, {.precision = {}, .rounding = {}});
  const auto check = [&](const Step::Run& rival) {
    c.forward.run(ops, tensors);
    require_agreement(ops, c, tensors, rival);
  };
  CHECK_NOTHROW(check(c.forward.run));
  const auto changed = [&](size_t element, double value) {
    return [&, element, value](Backend& backend, const CaseTensors& same) {
      c.forward.run(backend, same);
      std::vector<double> y = same.values("y");
      y.at(element) = value;
      tensors.set("y", y);
    };
  };
  const Step::Run nothing = [](Backend&, const CaseTensors&) {};
  for (const Step::Run& wrong :
       {Step::Run(changed(3, 1e3)), Step::Run(changed(0, std::nan(""))), nothing})
    CHECK(error_of([&] { check(wrong); }).id == "bench.disagree");
}

TEST_CASE("every preset's operations have cases") {
  for (const std::string& name : preset_names()) {
    const KernelSizes sizes = KernelSizes::of(*find_preset(name), 1);
    for (const std::string& op : kernel_ops()) {
      if (op == "rope" && !sizes.rope) continue;
      for (const OpCase& c : kernel_cases(op, sizes)) CHECK(c.forward);
    }
  }
}

TEST_CASE("shapes by flag replace extents, and wrong ones are told what there is") {
  KernelSizes sizes = tiny_bench({}).sizes;
  sizes.replace("B=8,T=1024,H=12,D=64");
  CHECK(sizes.B == 8);
  CHECK(sizes.T == 1024);
  CHECK(sizes.K == 12);  // as many as heads, unless said otherwise
  sizes.replace("M=5,N=6,K=7");
  CHECK(kernel_cases("matmul", sizes).at(0).name == "matmul/matmul M=5 N=6 K=7 NT");
  for (const char* wrong :
       {"X=3", "B", "B=", "B=0", "B=-1", "B=1e3", "B=99999999999", "M=2", "", "H=3,K=2"})
    CHECK_THAT(said([&] { KernelSizes(sizes).replace(wrong); }),
               Catch::Contains("error[usage.shape]") && Catch::Contains("B T C H K D F V"));
  CHECK_THAT(said([&] { kernel_cases("conv", sizes); }),
             Catch::Contains("error[usage.op]") && Catch::Contains("cross_entropy"));
}

TEST_CASE("a report is read as it was written, and a damaged one is refused") {
  TempFolder folder;
  const std::string file = (folder / "r.json").string();
  const BenchReport report = report_of(1e-3, 0.8);
  write_text(file, to_json(report).dump());
  CHECK(to_json(read_report(file)) == to_json(report));
  for (const char* damaged : {"", "[]", "{}", "{\"title\": 3}"}) {
    write_text(file, damaged);
    CHECK_THAT(said([&] { read_report(file); }), Catch::Contains(file));
  }
  Json json = to_json(report);
  json["rows"][0].erase("share");
  write_text(file, json.dump());
  CHECK_THAT(said([&] { read_report(file); }), Catch::Contains("share"));
}

TEST_CASE("a plot has a point and a bar for every row") {
  const std::string svg = plot_svg(report_of(1e-3, 0.8));
  CHECK_THAT(svg, Catch::StartsWith("<svg") && Catch::Contains("<circle") &&
                      Catch::Contains("norm/x forward f32") && Catch::EndsWith("</svg>\n"));
  CHECK_THAT(said([] { require_svg("out.png"); }), Catch::Contains(".svg"));
}

TEST_CASE("docs/benchmarks.md is what the stored reports say") {
  std::ifstream page(source_folder() / "docs/benchmarks.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  std::vector<StoredReport> reports;
  for (size_t at = 0; (at = text.find("From `", at)) != std::string::npos;) {
    at += 6;
    const std::string file = text.substr(at, text.find('`', at) - at);
    reports.push_back({file, read_report((source_folder() / file).string())});
  }
  REQUIRE(!reports.empty());
  CHECK(benchmarks_page(reports) == text);
}

TEST_CASE("bench kernels saves, compares and draws from the command line") {
  TempFolder folder;
  const auto path = [&](const char* name) { return (folder / name).string(); };
  const std::string tiny =
      "bench kernels --device cpu --op norm,adamw --shape B=1,T=32,n=9000 "
      "--rounds 3 ";
  const auto first = shell(tiny + "--save " + path("a.json") + " --plot " + path("a.svg"));
  REQUIRE(first.exit_code == 0);
  CHECK_THAT(first.out, Catch::Contains("% of roof") && Catch::Contains("step/adamw n=9000"));
  CHECK_THAT(read_text(path("a.svg")), Catch::StartsWith("<svg"));
  const auto second = shell(tiny + "--compare " + path("a.json"));
  CHECK(second.exit_code == 0);
  CHECK_THAT(second.out, Catch::Contains("6 rows compared"));
  CHECK(shell(tiny + "--plot a.png").exit_code == 2);
  for (const char* option : {"--save ", "--plot "}) {
    const auto nowhere = shell(tiny + option + path("none/a.svg"));
    CHECK(nowhere.exit_code == 7);
    CHECK(nowhere.out.empty());  // before anything was measured
  }
  const auto huge =
      shell("bench kernels --device cpu --op activation --shape B=16777216,T=16777216,F=65536");
  CHECK(huge.exit_code == 5);
  CHECK_THAT(huge.err, Catch::Contains("error[memory.bench]") && Catch::Contains("EiB"));
  CHECK(shell(tiny + "--compare " + path("none.json")).exit_code == 3);
  CHECK(shell("bench kernels --model gpt5").exit_code == 2);
  CHECK(shell("bench page " + path("a.json")).exit_code == 0);
}

TEST_CASE("bench step, data, generate and comm report what they measured") {
  TempFolder folder;
  const std::string config = (folder / "tiny.yaml").string(), text = (folder / "t.txt").string();
  std::string words;
  for (int i = 0; i < 400; ++i) words += "The quick brown fox. ";
  write_text(text, words);
  write_text(config, "data:  {source: " + text + ", tokenizer: byte}\n" +
                         "model: {n_layer: 1, n_head: 2, n_embd: 32, block_size: 16}\n"
                         "train: {max_steps: 10, global_batch_size: 4}\n");
  const auto json_of = [](const std::string& command) {
    const auto result = shell(command + " --json");
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return Json::parse(result.out);
  };
  const Json step = json_of("bench step " + config + " device=cpu --steps 3");
  double sum = 0;
  for (const auto& [name, seconds] : step.at("operation_seconds").items())
    sum += seconds.get<double>();
  CHECK(sum > 0);
  CHECK(sum <= step.at("split_step_seconds").get<double>());
  CHECK(step.at("operation_seconds").contains("attention_backward"));
  CHECK(step.at("vocab_size") == 256);
  CHECK(json_of("bench data " + config + " --rounds 2").at("tokens_per_second") > 0);
  const Json generate = json_of("bench generate " + config + " device=cpu --rounds 2");
  CHECK(generate.at("tokens_per_second") > 0);
  CHECK(generate.at("prompt_tokens") == 8);
  const auto alone = shell("bench comm --device cpu");
  CHECK(alone.exit_code == 2);
  CHECK_THAT(alone.err, Catch::Contains("mpirun -np 2 causeway bench comm"));
}

TEST_CASE("plan tries small steps, takes a GPU by name, and hints at a token budget") {
  TempFolder folder;
  const std::string config = (folder / "tiny.yaml").string();
  write_text(config,
             "data: {source: none.txt, tokenizer: byte}\n"
             "model: {n_layer: 3, n_head: 2, n_embd: 32, block_size: 16, vocab_size: 257}\n"
             "train: {max_steps: 10, global_batch_size: 8, micro_batch_size: 4}\n");
  const auto tried = shell("plan " + config + " device=cpu --json");
  REQUIRE(tried.exit_code == 0);
  const Json plan = Json::parse(tried.out);
  CHECK_THAT(plan.at("rate_source").get<std::string>(), Catch::Contains("tried here"));
  CHECK(plan.at("step_seconds") > 0);
  CHECK(plan.at("optimal_tokens") == 20 * plan.at("parameters").get<int64_t>());
  const auto gpu = shell("plan " + config + " device=cpu --gpu h100 --tokens 1e9 --price 2");
  CHECK(gpu.exit_code == 0);
  CHECK_THAT(gpu.out, Catch::Contains("h100's data sheet") && Catch::Contains("Hoffmann") &&
                          Catch::Contains("budget"));
  CHECK_THAT(gpu.out, Catch::Contains(" on cpu, besides"));
  const bool cuda = prepare_elsewhere(DeviceChoice::Cuda) || report_gpu().found;
  const auto elsewhere = shell("plan " + config + " --gpu h100");
  CHECK_THAT(elsewhere.out, Catch::Contains(cuda ? " on cuda, besides" : " on cpu, besides"));
  const auto shared = shell("plan " + config + " device=cpu --share 0.5");
  CHECK_THAT(shared.out, Catch::Contains("(a matmul measured here) × 50 %"));
  const auto priced = shell("plan " + config + " device=cpu --price 2");
  CHECK(priced.exit_code == 2);
  CHECK_THAT(priced.err, Catch::Contains("--tokens"));
  const auto unknown = shell("plan " + config + " device=cpu --gpu z80");
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.err, Catch::Contains("h200"));
}
