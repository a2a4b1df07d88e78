// Trouble on one of many ranks: at start-up, in a save, in a trace. All ranks take it alike. Read
// next: ranks_test.cpp, train/together.h.
#include <sys/stat.h>

#include "tests/train/mpirun.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

/// As on a full disk: no file of this process grows beyond `bytes`.
void limit_files(pid_t process, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  REQUIRE(::prlimit(process, RLIMIT_FSIZE, &limit, nullptr) == 0);
}

void wait_for_output(Program& program, const std::string& text) {
  while (program.running() && program.output().find(text) == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

/// Until all are our program: a launcher whose child is stopped before that waits for it for ever.
std::vector<pid_t> wait_for_ranks(Program& program, size_t ranks) {
  const auto is_ours = [](pid_t process) {
    std::error_code gone;
    return fs::read_symlink(fmt::format("/proc/{}/exe", process), gone) ==
           fs::canonical(program_path());
  };
  std::vector<pid_t> found;
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    found = program.children();
  } while (program.running() &&
           (found.size() < ranks || !std::all_of(found.begin(), found.end(), is_ours)));
  return found;
}

std::vector<std::string> long_run() {
  return {"train", "r.yaml", "train.max_steps=400", "eval.every=0"};
}

}  // namespace

TEST_CASE("a rank that is stopped while another prepares the data ends the job; waiting does not") {
  SKIP_WITHOUT_MPI();
  const int stopped = GENERATE(0, 2);
  const TempFolder folder;
  prepare(folder.path());
  // Rank 0 waits for a text that nobody writes, the others for rank 0.
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  Program program(folder.path(), {"train", "r.yaml", "data.source=pipe", "guard.hang_timeout=2"},
                  ranks(4));
  const std::vector<pid_t> processes = wait_for_ranks(program, 4);
  REQUIRE(processes.size() == 4);
  std::this_thread::sleep_for(std::chrono::seconds(6));
  REQUIRE(program.running());
  ::kill(processes[stopped], SIGSTOP);
  const auto begin = std::chrono::steady_clock::now();
  const int code = program.wait();
  wait_until_gone(processes);
  INFO(program.output());
  CHECK(code == 8);
  CHECK(seconds_since(begin) < 2 + 10);
  CHECK_THAT(program.output(),
             Contains("error[peer.hang] rank ") && Contains("no progress for 2 s while starting"));
}

TEST_CASE("a rank that is stopped or killed before it has met the others ends the job") {
  SKIP_WITHOUT_MPI();
  const int signal = GENERATE(SIGSTOP, SIGKILL);
  const TempFolder folder;
  prepare(folder.path());
  Program program(folder.path(),
                  {"train", "r.yaml", "train.max_steps=1000000", "guard.hang_timeout=2"}, ranks(4));
  const std::vector<pid_t> processes = wait_for_ranks(program, 4);
  REQUIRE(processes.size() == 4);
  ::kill(processes[3], signal);
  const auto begin = std::chrono::steady_clock::now();
  const int code = program.wait();
  wait_until_gone(processes);
  INFO(program.output());
  CHECK(code != 0);
  CHECK(seconds_since(begin) < 2 + 10);
}

TEST_CASE("a save that one rank cannot write is given up by all, who go on and save later") {
  SKIP_WITHOUT_MPI();
  const TempFolder one, many;
  prepare(one.path()), prepare(many.path());
  REQUIRE(run_program(one.path(), long_run()).exit_code == 0);
  Program program(many.path(), long_run(), ranks(2));
  wait_for_step(program, many.path(), 5);
  const std::vector<pid_t> processes = program.children();
  REQUIRE(processes.size() == 2);
  limit_files(processes[1], 4096);
  wait_for_output(program, "training goes on");
  limit_files(processes[1], RLIM_INFINITY);
  const int code = program.wait();
  INFO(program.output());
  CHECK(code == 0);
  CHECK_THAT(program.output(), Contains("could not be saved, training goes on; the next save "
                                        "tries again") &&
                                   Contains("error[disk.") && Contains("rank 1: "));
  CHECK(metrics(many.path()) == metrics(one.path()));
  CHECK(weights_and_state(many.path(), 400) == weights_and_state(one.path(), 400));
}

TEST_CASE("where one rank cannot write the last save, all leave with 7 and older saves stay") {
  SKIP_WITHOUT_MPI();
  const TempFolder folder;
  prepare(folder.path());
  Program program(folder.path(), long_run(), ranks(2));
  wait_for_step(program, folder.path(), 30);
  const std::vector<pid_t> processes = program.children();
  REQUIRE(processes.size() == 2);
  limit_files(processes[1], 4096);
  const int code = program.wait();
  INFO(program.output());
  CHECK(code == 7);
  CHECK(lines_of(metrics(folder.path())) == 400);
  const fs::path saves = folder / "runs/r/checkpoints";
  CHECK(fs::exists(saves / "step-00000020"));
  CHECK(!fs::exists(saves / "step-00000400"));
  for (const auto& entry : fs::directory_iterator(saves))
    CHECK_THAT(entry.path().filename().string(), !Catch::StartsWith("."));
  // The same command, with room, goes on from there.
  CHECK(run_program(folder.path(), long_run(), ranks(2)).exit_code == 0);
  CHECK(fs::exists(saves / "step-00000400"));
}

TEST_CASE("a line that rank 0 cannot log ends all ranks of themselves and leaves no gap") {
  SKIP_WITHOUT_MPI();
  const TempFolder one, many;
  prepare(one.path()), prepare(many.path());
  // A model whose checkpoints fit where the log of all steps does not.
  const std::vector<std::string> arguments = {
      "train",          "r.yaml",         "train.max_steps=900", "eval.every=0",
      "model.n_head=1", "model.n_embd=8", "checkpoint.every=100"};
  REQUIRE(run_program(one.path(), arguments).exit_code == 0);
  // The data, before the disk is full.
  REQUIRE(
      run_program(many.path(), {"train", "r.yaml", "run.name=s", "train.max_steps=1"}).exit_code ==
      0);
  // Each rank tells its own code, and stays a while, so that the launcher need not end the other.
  Start full_disk = ranks(2);
  for (const char* word : {"sh", "-c",
                           "[ $OMPI_COMM_WORLD_RANK = 1 ] || ulimit -f 128\n"  // 64 KiB
                           "\"$@\"; echo $? >> codes; sleep 5",
                           "sh"})
    full_disk.launcher.push_back(word);
  const auto result = run_program(many.path(), arguments, full_disk);
  INFO(result.output);
  CHECK(read_text(many / "codes") == "7\n7\n");
  CHECK_THAT(result.output, Contains("error[disk.") && Contains("runs/r/"));
  CHECK(lines_of(metrics(many.path())) > 100);
  CHECK(lines_of(metrics(many.path())) < 900);
  // The same command, with room, goes on to the same run.
  const auto again = run_program(many.path(), arguments, ranks(2));
  INFO(again.output);
  CHECK_THAT(again.output, Contains("resuming"));
  CHECK(again.exit_code == 0);
  CHECK(metrics(many.path()) == metrics(one.path()));
  CHECK(weights_and_state(many.path(), 900) == weights_and_state(one.path(), 900));
}

TEST_CASE("weights that one rank cannot read, and logs that rank 0 cannot write, are all ranks'") {
  SKIP_WITHOUT_MPI();
  const TempFolder folder;
  prepare(folder.path());
  REQUIRE(run_program(folder.path(), {"train", "r.yaml", "train.max_steps=20"}).exit_code == 0);
  // Rank 1 works in a folder that has all but the first run.
  fs::create_directories(folder / "elsewhere");
  for (const char* name : {"text.txt", "r.yaml", "datasets", "new"})
    fs::create_symlink("../" + std::string(name), folder / "elsewhere" / name);
  fs::create_directories(folder / "new");
  const std::string program = program_path().string();
  const std::vector<std::string> begin = {"r.yaml", "run.name=s", "run.dir=new",
                                          "run.init_from=runs/r"};
  std::vector<std::string> launcher = {
      "mpirun", "--allow-run-as-root", "--oversubscribe", "-np", "1", program, "train"};
  launcher.insert(launcher.end(), begin.begin(), begin.end());
  for (const char* word : {":", "-np", "1", "-wdir", "elsewhere"}) launcher.push_back(word);
  std::vector<std::string> arguments = begin;
  arguments.insert(arguments.begin(), "train");
  const auto weights = run_program(folder.path(), arguments, {.launcher = launcher});
  INFO(weights.output);
  CHECK(weights.exit_code == 4);
  CHECK_THAT(weights.output, Contains("error[checkpoint.") && Contains("rank 1: "));

  fs::remove(folder / "runs/r/metrics.jsonl");
  fs::create_directories(folder / "runs/r/metrics.jsonl");
  const auto logs = run_program(folder.path(), {"train", "r.yaml"}, ranks(2));
  INFO(logs.output);
  CHECK(logs.exit_code == 7);
  CHECK_THAT(logs.output, Contains("error[disk.") && Contains("metrics.jsonl"));
  CHECK(logs.output.find("error[") == logs.output.rfind("error["));
}

TEST_CASE("a trace that cannot be written is a warning") {
  SKIP_WITHOUT_MPI();
  const TempFolder folder;
  prepare(folder.path());
  fs::create_directories(folder / "runs/r/trace-rank1.json/in the way");
  const auto result = run_program(
      folder.path(), {"train", "r.yaml", "train.max_steps=20", "log.trace_steps=3"}, ranks(2));
  INFO(result.output);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.output, Contains("a trace could not be written, training goes on") &&
                                Contains("rank 1: ") && Contains("finished: step 20"));
  CHECK(fs::exists(folder / "runs/r/trace-rank0.json"));
}

}  // namespace causeway::test
