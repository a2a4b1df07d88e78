// Many ranks: any number of them writes the same run, bit for bit; they stop, fail and refuse
// together. Started with mpirun on this machine's CPUs. Read next: ranks_trouble_test.cpp,
// train/step.cpp, train/agree.cpp.
#include "core/json.h"
#include "core/philox.h"
#include "tests/train/mpirun.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {
namespace {

const std::vector<std::vector<std::string>> kPrecisions = {
    {"train", "r.yaml"},
    {"train", "r.yaml", "train.precision=bf16"},
    {"train", "r.yaml", "train.precision=bf16", "train.master_weights=false"}};

}  // namespace

TEST_CASE("1, 2, 4 and 8 ranks write the same run") {
  SKIP_WITHOUT_MPI();
  const auto arguments = GENERATE(from_range(kPrecisions));
  const TempFolder one;
  prepare(one.path());
  REQUIRE(run_program(one.path(), arguments).exit_code == 0);
  for (const int n : {2, 4, 8}) {
    const TempFolder many;
    prepare(many.path());
    const auto result = run_program(many.path(), arguments, ranks(n));
    INFO(n << " ranks: " << result.output);
    REQUIRE(result.exit_code == 0);
    CHECK(metrics(many.path()) == metrics(one.path()));
    CHECK(weights_and_state(many.path(), 120) == weights_and_state(one.path(), 120));
  }
}

TEST_CASE("the plan holds for every rank, whoever owns the largest pieces") {
  SKIP_WITHOUT_MPI();
  const TempFolder folder;
  prepare(folder.path());
  const auto result =
      run_program(folder.path(),
                  {"train", "r.yaml", "train.max_steps=2", "model.n_layer=1", "model.n_embd=192",
                   "model.block_size=64", "model.vocab_size=200", "model.tie_embeddings=false"},
                  ranks(2));
  INFO(result.output);
  CHECK(result.exit_code == 0);
}

TEST_CASE("a rank sends per step what the plan says, within 5 %") {
  SKIP_WITHOUT_MPI();
  const int n = GENERATE(2, 4);
  const std::string precision = GENERATE("fp32", "bf16");
  const TempFolder folder;
  prepare(folder.path());
  const std::vector<std::string> config = {"r.yaml", "train.max_steps=3", "model.n_embd=384",
                                           "train.precision=" + precision};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.begin() + 1, config.begin(), config.end());
    return words;
  };
  const auto planned = run_program(
      folder.path(), with({"plan", "--ranks", std::to_string(n), "--rank-tflops", "1", "--json"}));
  INFO(planned.output);
  REQUIRE(planned.exit_code == 0);
  const Json plan = Json::parse(planned.output);
  const double parameters = plan.at("parameters").get<double>();
  const double bytes = (n - 1.0) / n * (precision == "fp32" ? 4 + 4 : 4 + 2) * parameters;
  const auto result = run_program(folder.path(), with({"train"}), ranks(n));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  const std::string lines = read_text(folder / "runs/r/timing.jsonl");
  const auto last = lines.rfind('\n', lines.size() - 2) + 1;
  CHECK(Json::parse(lines.substr(last)).at("sent_bytes").get<double>() ==
        Approx(bytes).epsilon(0.05));
  CHECK(plan.at("gradient_bytes_sent").get<double>() +
            plan.at("parameter_bytes_sent").get<double>() ==
        Approx(bytes).epsilon(0.05));
}

TEST_CASE("a run goes on with another number of ranks, stopped by a signal in between") {
  SKIP_WITHOUT_MPI();
  const auto arguments = GENERATE(from_range(kPrecisions));
  const TempFolder one, many;
  prepare(one.path()), prepare(many.path());
  REQUIRE(run_program(one.path(), arguments).exit_code == 0);
  int64_t stop = 0;
  for (const int n : {4, 2, 1}) {
    Program program(many.path(), arguments, n > 1 ? ranks(n) : Start{});
    wait_for_step(program, many.path(), stop += 25);
    program.signal(SIGUSR1);  // which mpirun hands on to its ranks
    const int code = program.wait();
    INFO(n << " ranks: " << program.output());
    CHECK(code == 75);
    CHECK_THAT(program.output(), Catch::Contains("stopped by SIGUSR1"));
  }
  const auto last = run_program(many.path(), arguments, ranks(4));
  INFO(last.output);
  REQUIRE(last.exit_code == 0);
  CHECK(metrics(many.path()) == metrics(one.path()));
  CHECK(weights_and_state(many.path(), 120) == weights_and_state(one.path(), 120));
}

TEST_CASE("a killed rank ends the job at once, a stopped one after guard.hang_timeout") {
  SKIP_WITHOUT_MPI();
  const bool stopped = GENERATE(false, true);
  const TempFolder folder;
  prepare(folder.path());
  Program program(folder.path(),
                  {"train", "r.yaml", "train.max_steps=1000000", "guard.hang_timeout=2"}, ranks(4));
  wait_for_step(program, folder.path(), 10);
  const std::vector<pid_t> processes = program.children();
  REQUIRE(processes.size() == 4);
  ::kill(processes[2], stopped ? SIGSTOP : SIGKILL);
  const auto begin = std::chrono::steady_clock::now();
  const int code = program.wait();
  wait_until_gone(processes);
  const double took = seconds_since(begin);
  INFO(program.output());
  CHECK(code != 0);
  CHECK(took < (stopped ? 2 + 10 : 10));
  if (stopped)
    CHECK_THAT(program.output(), Catch::Contains("error[peer.hang] rank ") &&
                                     Catch::Contains("no progress for 2 s") &&
                                     Catch::Contains("another rank is gone"));
}

TEST_CASE("50 deaths and 20 stops of a rank end every process in time and leave no trace",
          "[.long]") {
  SKIP_WITHOUT_MPI();
  const TempFolder one, many;
  prepare(one.path()), prepare(many.path());
  const std::vector<std::string> arguments = {"train", "r.yaml", "train.max_steps=2000",
                                              "guard.hang_timeout=2"};
  REQUIRE(run_program(one.path(), arguments).exit_code == 0);
  for (int i = 0; i < 70; ++i) {
    const uint32_t draw = random_bits({.seed = 8}, i);
    const int signal = i % 7 >= 5 ? SIGSTOP : draw % 2 ? SIGKILL : SIGSEGV;
    Program program(many.path(), arguments, ranks(4));
    wait_for_step(program, many.path(), 20 + 27 * i);
    const std::vector<pid_t> processes = program.children();
    if (processes.size() != 4) break;  // it finished first
    const auto begin = std::chrono::steady_clock::now();
    ::kill(processes[draw / 4 % 4], signal);
    const int code = program.wait();
    wait_until_gone(processes);
    INFO("round " << i << ", signal " << signal << ": " << program.output());
    CHECK(code != 0);
    CHECK(seconds_since(begin) < (signal == SIGSTOP ? 12 : 10));
    if (signal == SIGSTOP) CHECK_THAT(program.output(), Catch::Contains("error[peer.hang] rank "));
  }
  REQUIRE(run_program(many.path(), arguments, ranks(4)).exit_code == 0);
  CHECK(metrics(many.path()) == metrics(one.path()));
  CHECK(weights_and_state(many.path(), 2000) == weights_and_state(one.path(), 2000));
}

TEST_CASE("bench comm tells what two ranks send each other, by size") {
  SKIP_WITHOUT_MPI();
  const TempFolder folder;
  const auto result = run_program(
      folder.path(),
      {"bench", "comm", "--device", "cpu", "--max-mib", "1", "--rounds", "3", "--json"}, ranks(2));
  INFO(result.output);
  REQUIRE(result.exit_code == 0);
  const Json json = Json::parse(result.output);  // printed once, by rank 0
  CHECK(json.at("ranks") == 2);
  CHECK(json.at("communicator") == "mpi");
  REQUIRE(json.at("rows").size() == 3);
  int64_t sent = 32 << 10;  // half of the smallest buffer
  for (const Json& row : json.at("rows")) {
    CHECK(row.at("bytes_sent") == sent);
    CHECK(row.at("exchange_bytes_per_second") > 0);
    CHECK(row.at("share_bytes_per_second") > 0);
    sent *= 4;
  }
}

TEST_CASE("ranks that cannot share the lanes are refused with sizes that work, once") {
  SKIP_WITHOUT_MPI();
  const TempFolder folder;
  prepare(folder.path());
  const auto result =
      run_program(folder.path(), {"train", "r.yaml", "train.micro_batch_size=16"}, ranks(2));
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.output,
             Catch::Contains("error[config.ranks]") &&
                 Catch::Contains("1 micro-batch of 16 has 1 lane, which 2 ranks cannot share") &&
                 Catch::Contains("use train.micro_batch_size=8"));
  CHECK(result.output.find("error[") == result.output.rfind("error["));
  CHECK(!std::filesystem::exists(folder / "runs"));
}

TEST_CASE("ranks with different configs are refused with the difference") {
  SKIP_WITHOUT_MPI();
  const TempFolder folder;
  prepare(folder.path());
  const std::string program = program_path().string();
  const auto result =
      run_program(folder.path(), {"train", "r.yaml", "optimizer.lr=1e-4", "eval.every=10"},
                  {.launcher = {"mpirun", "--allow-run-as-root", "--oversubscribe", "-np", "1",
                                program, "train", "r.yaml", ":", "-np", "1"}});
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.output, Catch::Contains("error[config.ranks_differ] ranks 0 and 1") &&
                                Catch::Contains("eval.every: 40 and 10") &&
                                Catch::Contains("optimizer.lr: 0.003 and 0.0001"));
}

TEST_CASE(
    "a launcher that MPI does not know of is refused, instead of many trainings in one folder") {
  const TempFolder folder;
  prepare(folder.path());
  const auto torchrun = run_program(folder.path(), {"train", "r.yaml", "device=cpu"},
                                    {.launcher = {"env", "RANK=0", "WORLD_SIZE=2"}});
  CHECK(torchrun.exit_code == 2);
  CHECK_THAT(torchrun.output, Catch::Contains("error[usage.no_mpi]") &&
                                  Catch::Contains("mpirun -np 2 causeway train"));
  const auto half =
      run_program(folder.path(), {"train", "r.yaml"}, {.launcher = {"env", "WORLD_SIZE=2"}});
  CHECK(half.exit_code == 2);
  CHECK_THAT(half.output,
             Catch::Contains("error[usage.launcher] WORLD_SIZE: is set, but RANK is not"));
  SKIP_WITHOUT_MPI();
  const auto srun = run_program(folder.path(), {"train", "r.yaml"},
                                {.launcher = {"env", "SLURM_STEP_NUM_TASKS=2", "SLURM_PROCID=0"}});
  CHECK(srun.exit_code == 2);
  CHECK_THAT(srun.output, Catch::Contains("srun started 2 ranks, but MPI sees 1") &&
                              Catch::Contains("srun --mpi=pmix"));
}

}  // namespace causeway::test
