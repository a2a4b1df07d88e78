// The bench's honesty: what is slow shows as slow, what has not changed raises no alarm, and the
// page of benchmarks is what the stored reports say.
#include <cmath>
#include <fstream>
#include <random>
#include <set>

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

/// What a run was like: rows of 1 ms, 2 ms, …
struct Run {
  int rows = 12;
  double noise = 0.04;  ///< of a round's time, as a share
  double slow_row = 1;  ///< the first row takes so many times as long
  double all = 1;       ///< all rows do
  double matmul = 1e11, copy = 1e10;
  uint64_t seed = 1;
};

BenchReport report_of(const Run& run) {
  BenchReport report;
  report.title = "t", report.device = "d", report.version = "v", report.date = "2026-01-02";
  report.roofs = {{"f32 matmul", run.matmul}, {"copy", run.copy}};
  std::mt19937_64 random(run.seed);
  const auto around = [&](double value) {
    return value * (1 + run.noise * (2 * std::generate_canonical<double, 53>(random) - 1));
  };
  constexpr int kRounds = 15;
  for (int i = 0; i < kRounds; ++i)
    report.round_roofs["f32"].push_back({around(run.matmul), around(run.copy)});
  for (int r = 0; r < run.rows; ++r) {
    BenchRow row;
    row.name = fmt::format("norm/x{} forward", r), row.dtype = "f32", row.bound = "copy";
    row.flops = 1e9, row.bytes = 1e8;
    for (int i = 0; i < kRounds; ++i)
      row.rounds.push_back(around((r + 1) * 1e-3 * run.all * (r == 0 ? run.slow_row : 1)));
    row.seconds = spread_of(row.rounds);
    row.share = {0.8, 0.79, 0.81};
    report.rows.push_back(row);
  }
  return report;
}

/// All that an error says, in one text.
template <class Action>
std::string said(const Action& action) {
  const ErrorInfo e = error_of(action);
  return fmt::format("error[{}] {}: {}\n{}", e.id, e.where, e.what, e.remedy);
}

/// Of the first row, which is the only one that may have changed.
Change change(const Run& before, const Run& now) {
  const std::vector<Comparison> all = compare(report_of(before), report_of(now));
  for (size_t i = 1; i < all.size(); ++i)
    CHECK((all[i].change == Change::None || all[i].change == all[0].change));
  return all.at(0).change;
}

KernelBench tiny_bench(std::vector<std::string> ops) {
  KernelBench bench{.ops = std::move(ops), .dtypes = {DType::F32}, .rounds = 3};
  bench.sizes = {.B = 2, .T = 64, .C = 64, .H = 2, .K = 2, .D = 32, .F = 256, .V = 500, .n = 50000};
  return bench;
}

}  // namespace

TEST_CASE("a comparison tells a slower kernel from a slower machine and from noise") {
  CHECK(change({}, {.slow_row = 1.3, .seed = 2}) == Change::Slower);
  CHECK(change({}, {.slow_row = 1 / 1.3, .seed = 2}) == Change::Faster);
  CHECK(change({.rows = 2}, {.rows = 2, .slow_row = 1.3, .seed = 2}) == Change::Slower);
  CHECK(change({}, {.slow_row = 1.04, .seed = 2}) == Change::None);
  CHECK(change({.noise = 0.3}, {.noise = 0.3, .slow_row = 1.2, .seed = 2}) == Change::None);
  CHECK(change({}, {.all = 1.14, .matmul = 0.9e11, .seed = 2}) == Change::None);  // the machine
}

TEST_CASE("all rows slower on a machine with the same roof is slower code") {
  for (const Comparison& c : compare(report_of({}), report_of({.all = 1.5, .seed = 2})))
    CHECK(c.change == Change::Slower);
}

TEST_CASE("rounds are compared only where the machine was alike") {
  CHECK(change({}, {.slow_row = 2, .copy = 2e10, .seed = 2}) == Change::Unknown);
  CHECK(change({}, {.slow_row = 2, .matmul = 0.5e11, .seed = 2}) == Change::Unknown);
  // Half of the rounds on another machine, where all takes twice as long: only like is held
  // against like.
  BenchReport mixed = report_of({.seed = 3});
  for (size_t i = 0; i < 8; ++i) {
    mixed.round_roofs["f32"][i].bytes *= 0.5;
    for (BenchRow& row : mixed.rows) row.rounds[i] *= 2;
  }
  for (const Comparison& c : compare(report_of({}), mixed)) {
    CHECK(c.change == Change::None);
    CHECK(std::abs(c.ratio - 1) < 0.05);
  }
  CHECK(comparable(report_of({}).round_roofs, mixed.round_roofs));
  CHECK_FALSE(comparable(report_of({}).round_roofs, report_of({.copy = 2e10}).round_roofs));
}

TEST_CASE("a thousand comparisons of one build with itself raise no alarm") {
  int alarms = 0;
  for (uint64_t seed = 2; seed < 1002; ++seed)
    for (const Comparison& c : compare(report_of({}), report_of({.noise = 0.1, .seed = seed})))
      alarms += c.change != Change::None;
  CHECK(alarms == 0);
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
    CHECK(row.rounds.size() == 3);
    CHECK(row.bytes > 0);
    if (row.rival.empty()) continue;
    ++rivals;
    if (row.name.starts_with("matmul")) CHECK(row.ratio() > 3);
  }
  CHECK(rivals == 9);  // five products, attention, norm, gelu, the loss
  CHECK(report.round_roofs.at("f32").size() == 3);
  CHECK(report.roof("copy") > 0);
  CHECK(report.roof("f32 matmul") > 0);
}

TEST_CASE("rounds go on while they are asked for, but not for ever") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  KernelBench bench = tiny_bench({"norm"});
  BenchReport five, most;
  bench.more = [](const RoundRoofs& roofs) { return roofs.at("f32").size() < 5; };
  run_kernels(runtime, bench, five);
  CHECK(five.rows.at(0).rounds.size() == 5);
  bench.more = [](const RoundRoofs&) { return true; };
  run_kernels(runtime, bench, most);
  CHECK(most.rows.at(0).rounds.size() == 12);
}

TEST_CASE("a rival that computes something else, NaN, a part or nothing is not timed") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  Backend& ops = *runtime.backend;
  const OpCase c = kernel_cases("activation", tiny_bench({}).sizes).at(0);
  CaseTensors tensors(ops, c, {.precision = {}, .rounding = {}});
  const auto check = [&](const Step::Run& rival) {
    c.forward.run(ops, tensors);
    require_agreement(ops, c.name, tensors, {"y"}, rival, 1e-3);
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
  const BenchReport report = report_of({});
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
  json = to_json(report);
  json["rows"][3]["rounds"].erase(0);
  write_text(file, json.dump());
  CHECK_THAT(said([&] { read_report(file); }), Catch::Contains("norm/x3"));
}

TEST_CASE("a plot has a point and a bar for every row") {
  const std::string svg = plot_svg(report_of({}));
  CHECK_THAT(svg, Catch::StartsWith("<svg") && Catch::Contains("<circle") &&
                      Catch::Contains("norm/x0 forward f32") && Catch::EndsWith("</svg>\n"));
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
      "--rounds 5 ";
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
  const auto huge = shell(tiny + "--op activation --shape B=16777216,T=16777216,F=65536");
  CHECK(huge.exit_code == 5);
  CHECK_THAT(huge.err, Catch::Contains("error[memory.bench]") && Catch::Contains("EiB"));
  CHECK(shell(tiny + "--compare " + path("none.json")).exit_code == 3);
  CHECK(shell("bench kernels --model gpt5").exit_code == 2);
  CHECK(shell("bench page " + path("a.json")).exit_code == 0);
}

TEST_CASE("bench step, gemm, data, generate and comm report what they measured") {
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
  const Json products = json_of("bench gemm " + config + " device=cpu").at("products");
  std::set<std::string> names;
  for (const Json& product : products) {
    CHECK(names.insert(product.at("product")).second);  // each once
    CHECK(product.at("flops_per_second") > 0);
  }
  // 4 sequences of 16 tokens: the MLP's first product, and its weights' gradient.
  CHECK(names.contains("64x128x32 nt f32>f32 32,32,128 bias gelu 128"));
  CHECK(names.contains("128x32x64 tn f32>f32 128,32,32"));
  const auto nowhere = shell("bench gemm " + config + " --save rows");
  CHECK(nowhere.exit_code == 2);
  CHECK_THAT(nowhere.err, Catch::Contains("add --tune"));
  CHECK(step.at("vocab_size") == 257);
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
