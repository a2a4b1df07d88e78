// The run's folder: what is written where, and that only one process writes.
#include "train/run_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/train/temp_folder.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

TEST_CASE("a run's folder keeps the config byte for byte, with the overrides as comments") {
  TempFolder temp;
  const RunFolder folder(temp / "runs/a");
  folder.create();
  folder.write_configs("run: {name: a}", {"train.max_steps=5", "sample.prompt=x\ny: 1"},
                       "resolved\n");
  CHECK(read_text(folder.config()) ==
        "run: {name: a}\n# on the command line: train.max_steps=5\n"
        "# on the command line: sample.prompt=x y: 1\n");
  CHECK(read_text(folder.resolved_config()) == "resolved\n");
  folder.write_sample(500, "It is a truth");
  CHECK(read_text(folder.samples() / "step-00000500.txt") == "It is a truth");
  CHECK(std::filesystem::is_directory(folder.checkpoints()));
}

TEST_CASE("a second holder of a run is refused and told which process has it") {
  TempFolder temp;
  const RunFolder folder(temp.path());
  const RunLock lock(folder);
  try {
    const RunLock second(folder);
    FAIL("two locks on one run");
  } catch (const Error& e) {
    CHECK(e.id() == "usage.run_locked");
    CHECK(e.exit_code() == ExitCode::Config);
    CHECK_THAT(e.what(), Catch::Contains(fmt::format("process {} is training this run", getpid())));
    CHECK_THAT(e.what(), Catch::Contains("run.name=NEW"));
  }
}

TEST_CASE("a lock goes with its process, even one that was killed") {
  TempFolder temp;
  const RunFolder folder(temp.path());
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const RunLock lock(folder);
    [[maybe_unused]] const ssize_t told = write(ready[1], "x", 1);
    pause();
    _exit(0);
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  CHECK_THROWS_WITH(RunLock(folder), Catch::Contains(fmt::format("process {} ", child)));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK_NOTHROW(RunLock(folder));
}

TEST_CASE("a run's folder that cannot be made is a disk error that names it") {
  TempFolder temp;
  write_text(temp / "file", "");  // no folder, even for root
  try {
    RunFolder(temp / "file/run").create();
    FAIL("made a folder inside a file");
  } catch (const Error& e) {
    CHECK(e.exit_code() == ExitCode::Disk);
    CHECK_THAT(e.what(), Catch::Contains((temp / "file/run").string()));
  }
}
