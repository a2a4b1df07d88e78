// The verbs of bench, and plan, from the command line. Read next: train/bench/verb_kernels.cpp.
#include <fstream>
#include <set>

#include "core/config_load.h"
#include "core/file.h"
#include "tests/train/shell.h"
#include "train/bench/page.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

/// The path of a config of one small layer, beside the text that it reads.
std::string tiny_config(const TempFolder& folder) {
  const std::string config = (folder / "tiny.yaml").string(), text = (folder / "t.txt").string();
  std::string words;
  for (int i = 0; i < 400; ++i) words += "The quick brown fox. ";
  write_text(text, words);
  write_text(config, "data:  {source: " + text + ", tokenizer: byte}\n" +
                         "model: {n_layer: 1, n_head: 2, n_embd: 32, block_size: 16}\n"
                         "train: {max_steps: 10, global_batch_size: 4}\n");
  return config;
}

Json json_of(const std::string& command) {
  const auto result = shell(command + " --json");
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  return Json::parse(result.out);
}

}  // namespace

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
  CHECK(Json::parse(read_text(path("a.json"))).at("command") ==
        "causeway bench kernels --op norm,adamw --shape B=1,T=32,n=9000 --device cpu --rounds 5");
  const auto second = shell(tiny + "--compare " + path("a.json"));
  CHECK(second.exit_code == 0);
  CHECK_THAT(second.out, Catch::Contains("6 rows compared"));
  const auto third = shell(tiny + "--json --compare " + path("a.json"));
  const Json changes = Json::parse(third.out).at("changes");
  CHECK(changes.size() == 6);
  CHECK(changes.at(0).at("ratio") > 0);
  const auto others =
      shell("bench kernels --device cpu --op dropout --shape B=1,T=8,C=8 --rounds 5 --compare " +
            path("a.json"));
  CHECK(others.exit_code == 2);
  CHECK_THAT(others.err, Catch::Contains("none of the rows that were measured now"));
  CHECK(shell(tiny + "--plot a.gif").exit_code == 2);
  // A PNG, or what to install for one.
  const auto png = shell(tiny + "--plot " + path("a.png"));
  if (png.exit_code == 0)
    CHECK(read_file(path("a.png")).substr(1, 3) == "PNG");
  else
    CHECK_THAT(png.err, Catch::Contains("librsvg2-bin"));
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
  const std::string config = tiny_config(folder);
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

TEST_CASE("bench gemm lists a step's products, each once, and saves only what it tunes") {
  TempFolder folder;
  const std::string config = tiny_config(folder);
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
  const bool cuda = prepare_elsewhere(DeviceChoice::Cuda, {}) || report_gpu().found;
  const auto gpu_only = shell("plan " + config + " --gpu h100 train.precision=bf16 " +
                              "train.cuda_graph=true train.attention_kernel=cudnn");
  CHECK(gpu_only.err == "");
  CHECK(gpu_only.exit_code == 0);
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
