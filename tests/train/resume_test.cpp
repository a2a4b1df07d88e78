// Stop anywhere, run the same command again: the result equals the uninterrupted run's, bit for
// bit. Read next: train/trainer_open.cpp.
#include <algorithm>
#include <set>

#include "core/checkpoint_names.h"
#include "core/json.h"
#include "core/philox.h"
#include "tests/train/markov.h"
#include "tests/train/run_files.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {
namespace {

// Dropout, accumulation over lanes, clipping, and a text so short that the run reaches its third
// epoch: everything that could depend on history.
constexpr char kConfig[] = R"(
run: {name: r}
data: {source: text.txt, tokenizer: char, val_fraction: 0.1}
model: {n_layer: 2, n_head: 2, n_embd: 32, block_size: 16, dropout: 0.1}
train: {max_steps: 300, global_batch_size: 8, micro_batch_size: 2, threads: 1}
optimizer: {lr: 3e-3}
eval: {every: 50}
checkpoint: {every: 25, keep_last: 2}
log: {every: 100}
)";
constexpr int kSteps = 300;

void prepare(const std::filesystem::path& folder) {
  write_text(folder / "text.txt", MarkovSource().text(16'000, 3));
  write_text(folder / "r.yaml", kConfig);
}

/// Everything the last checkpoint holds, but for what names the run itself.
std::string final_state(const std::filesystem::path& folder) {
  return weights_and_state(folder, kSteps) +
         read_text(folder / "runs/r/checkpoints/step-00000300/optimizer-0000-of-0001.safetensors");
}

/// Runs until metrics.jsonl has `step` lines, then sends the signal. Returns the exit code.
int stop_at(const std::filesystem::path& folder, int64_t step, int signal) {
  Program program(folder, {"train", "r.yaml"});
  wait_for_step(program, folder, step);
  program.signal(signal);
  return program.wait();
}

void check_stops(int stops, int signal, int expected_code, uint64_t seed) {
  const TempFolder whole, cut;
  prepare(whole.path()), prepare(cut.path());
  const auto uninterrupted = run_program(whole.path(), {"train", "r.yaml"});
  INFO(uninterrupted.output);
  REQUIRE(uninterrupted.exit_code == 0);
  REQUIRE(lines_of(metrics(whole.path())) == kSteps);

  std::vector<int64_t> steps;
  for (int i = 0; i < stops; ++i)
    steps.push_back(1 + random_bits({.seed = seed}, i) % (kSteps - 10));
  std::sort(steps.begin(), steps.end());
  for (const int64_t step : steps) {
    const int code = stop_at(cut.path(), step, signal);
    INFO("stopped at step " << step << ": " << read_text(cut.path() / "output.txt"));
    // 0: it finished first; 128 + signal: it was still starting, with nothing to save.
    CHECK((code == expected_code || code == 0 || code == 128 + signal));
  }
  const auto last = run_program(cut.path(), {"train", "r.yaml"});
  INFO(last.output);
  REQUIRE(last.exit_code == 0);
  CHECK(metrics(cut.path()) == metrics(whole.path()));
  CHECK(final_state(cut.path()) == final_state(whole.path()));
}

}  // namespace

TEST_CASE("20 stops by SIGTERM leave no trace in the result") { check_stops(20, SIGTERM, 75, 1); }

TEST_CASE("20 stops by SIGKILL leave no trace in the result") {
  check_stops(20, SIGKILL, 128 + SIGKILL, 2);
}

TEST_CASE("200 stops by SIGKILL leave no trace in the result", "[.long]") {
  check_stops(200, SIGKILL, 128 + SIGKILL, 3);
}

TEST_CASE("a save that fails loses nothing: training goes on, and only the last one ends the run") {
  const TempFolder whole, cut;
  prepare(whole.path()), prepare(cut.path());
  REQUIRE(run_program(whole.path(), {"train", "r.yaml"}).exit_code == 0);
  const std::vector<std::string> third = {"train", "r.yaml", "train.max_steps=100",
                                          "schedule.decay_steps=300"};
  REQUIRE(run_program(cut.path(), third).exit_code == 0);
  {
    Program limited(cut.path(), {"train", "r.yaml"},
                    {.most_bytes = 60'000});  // less than the weights take
    CHECK(limited.wait() == 7);
    CHECK_THAT(limited.output(), Catch::Contains("step 125 could not be saved, training goes on") &&
                                     Catch::Contains("error[disk.write]") &&
                                     Catch::Contains("cannot be written") &&
                                     Catch::Contains("step    300/300"));
    const auto left = checkpoint_names::names_in(cut.path() / "runs/r/checkpoints");
    CHECK(std::set(left.begin(), left.end()) ==
          std::set<std::string>{"latest", "step-00000075", "step-00000100"});
  }
  const auto last = run_program(cut.path(), {"train", "r.yaml"});
  CHECK_THAT(last.output, Catch::Contains("resuming at step 100"));
  CHECK(last.exit_code == 0);
  CHECK(metrics(cut.path()) == metrics(whole.path()));
  CHECK(final_state(cut.path()) == final_state(whole.path()));
}

TEST_CASE("1, 2 and 3 threads write the same run") {
  std::string expected;
  for (const char* threads : {"1", "2", "3"}) {
    const TempFolder folder;
    prepare(folder.path());
    const auto result = run_program(folder.path(), {"train", "r.yaml", "train.max_steps=40",
                                                    std::string("train.threads=") + threads});
    INFO(result.output);
    REQUIRE(result.exit_code == 0);
    if (expected.empty()) expected = metrics(folder.path());
    CHECK(metrics(folder.path()) == expected);
  }
}

TEST_CASE("a finished run says what to raise, and a changed one is refused with the difference") {
  const TempFolder folder;
  prepare(folder.path());
  REQUIRE(run_program(folder.path(), {"train", "r.yaml", "train.max_steps=30"}).exit_code == 0);
  const auto again = run_program(folder.path(), {"train", "r.yaml", "train.max_steps=30"});
  CHECK(again.exit_code == 0);
  CHECK_THAT(again.output, Catch::Contains("already finished") && Catch::Contains("max_steps"));

  const auto changed = run_program(folder.path(), {"train", "r.yaml", "optimizer.lr=1e-4"});
  CHECK(changed.exit_code == 2);
  CHECK_THAT(changed.output, Catch::Contains("error[config.changed]") &&
                                 Catch::Contains("optimizer.lr") &&
                                 Catch::Contains("run.name=NEW") && Catch::Contains("init_from"));
  CHECK(run_program(folder.path(), {"train", "r.yaml", "train.max_steps=35"}).exit_code == 0);
  CHECK(lines_of(metrics(folder.path())) == 35);
}

TEST_CASE("a run that goes on with another program or machine says once what has changed") {
  const TempFolder folder;
  prepare(folder.path());
  const auto train_to = [&](int step) {
    const auto result =
        run_program(folder.path(), {"train", "r.yaml", fmt::format("train.max_steps={}", step)});
    CHECK(result.exit_code == 0);
    return result.output;
  };
  const std::string warning = "not always on this program and machine";
  CHECK_THAT(train_to(25), !Catch::Contains("warning"));
  CHECK_THAT(train_to(50), !Catch::Contains(warning));
  const auto file = folder.path() / "runs/r/env.json";
  Json environment = Json::parse(read_text(file));
  environment["isa"] = "abacus", environment["cpu"] = "another", environment["commit"] = "0badcafe";
  write_text(file, environment.dump());
  CHECK_THAT(train_to(75), Catch::Contains(warning) && Catch::Contains("isa: abacus before, ") &&
                               Catch::Contains("commit: 0badcafe before, ") &&
                               !Catch::Contains("another before"));
  CHECK_THAT(train_to(100), !Catch::Contains(warning));
  write_text(file, "{");
  CHECK_THAT(train_to(125), Catch::Contains("what this run was on before is not known"));
}

TEST_CASE("without master weights a run resumes bit for bit, saves none, and stays so") {
  const std::vector<std::string> arguments = {"train", "r.yaml", "train.precision=bf16",
                                              "train.master_weights=false", "train.max_steps=300"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), arguments.begin(), arguments.end());
    return more;
  };
  const TempFolder whole, cut;
  prepare(whole.path()), prepare(cut.path());
  REQUIRE(run_program(whole.path(), arguments).exit_code == 0);
  REQUIRE(run_program(cut.path(), with({"train.max_steps=100", "schedule.decay_steps=300"}))
              .exit_code == 0);
  const auto changed = run_program(cut.path(), with({"train.master_weights=true"}));
  CHECK(changed.exit_code == 2);
  CHECK_THAT(changed.output,
             Catch::Contains("error[config.changed]") &&
                 Catch::Contains("train.master_weights: false in the run, true now"));
  REQUIRE(run_program(cut.path(), arguments).exit_code == 0);
  CHECK(metrics(cut.path()) == metrics(whole.path()));
  CHECK(final_state(cut.path()) == final_state(whole.path()));
  CHECK_THAT(final_state(whole.path()),
             Catch::Contains("\"m.final_norm.weight\"") && !Catch::Contains("\"master."));

  const auto next =
      run_program(whole.path(), {"train", "r.yaml", "train.precision=bf16", "run.name=next",
                                 "run.init_from=runs/r", "train.max_steps=5"});
  INFO(next.output);
  CHECK(next.exit_code == 0);  // masters begin as the bf16 weights
}

TEST_CASE("a second process on the same run is refused") {
  const TempFolder folder;
  prepare(folder.path());
  Program first(folder.path(), {"train", "r.yaml", "train.max_steps=100000"});
  wait_for_step(first, folder.path(), 2);
  const TempFolder elsewhere;  // its output must not overwrite the first's
  const auto second =
      run_program(elsewhere.path(), {"train", (folder.path() / "r.yaml").string(),
                                     "run.dir=" + (folder.path() / "runs").string(),
                                     "data.source=" + (folder.path() / "text.txt").string()});
  CHECK(second.exit_code == 2);
  CHECK_THAT(second.output, Catch::Contains("error[usage.run_locked]"));
  first.signal(SIGTERM);
  CHECK(first.wait() == 75);
}

TEST_CASE("init_from starts a new run from another's weights") {
  const TempFolder folder;
  prepare(folder.path());
  REQUIRE(run_program(folder.path(), {"train", "r.yaml", "train.max_steps=100"}).exit_code == 0);
  const auto result = run_program(folder.path(), {"train", "r.yaml", "run.name=next",
                                                  "run.init_from=runs/r", "train.max_steps=5"});
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  const auto first_loss = [](const std::string& text) {
    return std::stod(text.substr(text.find("\"loss\":") + 7));
  };
  CHECK(first_loss(read_text(folder.path() / "runs/next/metrics.jsonl")) <
        first_loss(metrics(folder.path())) - 0.1);
}

}  // namespace causeway::test
