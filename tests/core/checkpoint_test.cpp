// Checkpoints: saved whole or not at all, the right ones kept. Damage: checkpoint_damage_test.cpp;
// power cuts: checkpoint_power_cut_test.cpp.
#include "core/checkpoint.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/core/checkpoint_check.h"
// Last, so that CHECK means Catch2's.
#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

namespace {

/// A process id that belonged to a process which is gone.
pid_t gone_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

}  // namespace

TEST_CASE("a saved checkpoint is found, verifies, and has step, loss and hint") {
  const Scratch scratch;
  CheckpointStore store(scratch.path / "checkpoints");
  CHECK_FALSE(store.newest_valid().checkpoint);
  CHECK(store.list().empty());
  const CheckpointInfo saved = save_tiny(store, 1000, "one", 2.5);
  CHECK(saved.folder == scratch.path / "checkpoints" / "step-00001000");
  save_tiny(store, 2000, "two");
  CHECK(names(scratch.path / "checkpoints") == Strings{"latest", "step-00001000", "step-00002000"});
  CHECK(read_file(scratch.path / "checkpoints" / "latest") == "step-00002000\n");

  const auto found = store.newest_valid();
  REQUIRE(found.checkpoint);
  CHECK(found.checkpoint->step == 2000);
  CHECK_FALSE(found.checkpoint->val_loss);
  CHECK(found.warnings.empty());
  CHECK(steps(store) == std::vector<int64_t>{2000, 1000});
  CHECK(store.list()[1].val_loss == 2.5);
  const Verification verification = verify_checkpoint(saved.folder);
  CHECK(verification.ok);
  CHECK(verification.manifest.step == 1000);
  CHECK(verification.manifest.files.size() == 3);
  CHECK(verification.manifest.files.at("empty.txt").hash == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("a failed save leaves the older checkpoints and nothing else") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  save_tiny(store, 1, "one");
  const Strings before = names(scratch.path);
  const auto fails = [&](const std::string& text, const CheckpointStore::WriteFiles& write_files) {
    CHECK_THROWS_WITH(store.save(2, std::nullopt, write_files), Catch::Contains(text));
    CHECK(names(scratch.path) == before);
    CHECK(store.newest_valid().checkpoint->step == 1);
  };
  fails("whatever", [](const fs::path& folder) {
    write_tiny(folder, "two");
    throw std::runtime_error("whatever");
  });
  if (fs::exists("/dev/full"))
    fails("error[disk.full]", [](const fs::path& folder) {
      fs::create_symlink("/dev/full", folder / "state.json");
      write_tiny(folder, "two");
    });
  else
    WARN("SKIPPED: no /dev/full here");

  // A limit on the size of files cuts the save at one file after the other, the manifest included.
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  int cut = 0;
  for (rlim_t bytes = 0; bytes < 600; bytes += 20) {
    const rlimit small{bytes, limit.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    std::string id;
    try {
      save_tiny(store, 2, "two");
    } catch (const Error& error) {
      id = error.id();
    }
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (id.empty()) break;  // it fits
    ++cut;
    CHECK(id == "disk.write");
    CHECK(names(scratch.path) == before);
    CHECK(store.newest_valid().checkpoint->step == 1);
  }
  ::signal(SIGXFSZ, handler);
  CHECK(cut > 5);
}

TEST_CASE("the same step saved again is kept when equal and replaced when not") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  const fs::path folder = save_tiny(store, 5, "first", 2.0).folder;
  const auto written = [&] { return fs::last_write_time(folder / "manifest.json"); };
  const auto before = written();
  CHECK(save_tiny(store, 5, "first", 2.0).step == 5);
  CHECK(written() == before);
  CHECK(save_tiny(store, 5, "second", 1.0).val_loss == 1.0);
  CHECK(holds(folder, "second"));
  flip(folder / "state.json", 2, 1);  // a damaged one in the way is not deleted
  save_tiny(store, 5, "third");
  CHECK(holds(folder, "third"));
  CHECK(names(scratch.path) == Strings{"bad-step-00000005", "latest", "step-00000005"});
  CHECK(store.newest_valid().warnings.empty());
}

TEST_CASE("pruning keeps the newest, the best, and the last valid one") {
  const Scratch scratch;
  const auto fill = [&](CheckpointStore& store) {
    const std::vector<double> losses{4.0, 1.5, 3.0, NAN, 2.0};
    for (size_t i = 0; i < losses.size(); ++i)
      save_tiny(store, static_cast<int64_t>(i) + 1, "x", losses[i]);
  };
  SECTION("the newest and the best") {
    CheckpointStore store(scratch.path);
    fill(store);
    CHECK(store.best()->step == 2);
    CHECK(store.prune(2, KeepBest::Yes) == std::vector<int64_t>{1, 3});
    CHECK(steps(store) == std::vector<int64_t>{5, 4, 2});
    CHECK(store.prune(1, KeepBest::No) == std::vector<int64_t>{2, 4});
    CHECK(names(scratch.path) == Strings{"latest", "step-00000005"});
    CHECK(store.prune(1, KeepBest::No).empty());
  }
  SECTION("of equal losses the newest is best; none without losses") {
    CheckpointStore store(scratch.path);
    save_tiny(store, 1, "x");
    CHECK_FALSE(store.best());
    save_tiny(store, 2, "x", 1.0);
    save_tiny(store, 3, "x", 1.0);
    CHECK(store.best()->step == 3);
  }
  SECTION("when the newest are damaged, the last valid one stays") {
    CheckpointStore writer(scratch.path);
    fill(writer);
    flip(scratch.path / "step-00000005" / "state.json", 3, 1);
    flip(scratch.path / "step-00000004" / "state.json", 3, 1);
    CheckpointStore store(scratch.path);  // one that has verified nothing yet
    CHECK(store.prune(1, KeepBest::No) == std::vector<int64_t>{1, 2, 4});
    CHECK(store.newest_valid().checkpoint->step == 3);
  }
  SECTION("when none is valid, none goes") {
    CheckpointStore writer(scratch.path);
    fill(writer);
    for (const CheckpointInfo& info : writer.list()) flip(info.folder / "state.json", 3, 1);
    CHECK(CheckpointStore(scratch.path).prune(1, KeepBest::No).empty());
    CHECK(steps(writer).size() == 5);
  }
}

TEST_CASE("a start removes what dead processes left, and only that") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  save_tiny(store, 1, "one");
  const pid_t gone = gone_process();
  const std::string alive = fmt::format(".tmp-step-00000003-{}", ::getppid());
  for (const std::string& name :
       {fmt::format(".tmp-step-00000002-{}", gone), fmt::format(".trash-step-00000001-{}", gone),
        fmt::format(".tmp-step-00000004-{}", ::getpid()), std::string(".tmp-step-00000005-"), alive,
        std::string("bad-step-00000001"), std::string("mine")}) {
    make_folder(scratch.path / name);
    write_file(scratch.path / name / "x", std::string_view("x"));
  }
  write_file(scratch.path / fmt::format("latest.tmp-{}", gone), std::string_view("x"));
  store.clean_stale();
  CHECK(names(scratch.path) ==
        Strings{alive, "bad-step-00000001", "latest", "mine", "step-00000001"});
  CheckpointStore nowhere(scratch.path / "not yet");
  CHECK_NOTHROW(nowhere.clean_stale());
}

TEST_CASE("a save in phases becomes a checkpoint only at its commit") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  const PendingCheckpoint first = store.begin(1, 2.0);
  write_tiny(first.folder, "one");
  CHECK(store.list().empty());
  store.abort(first);
  CHECK(names(scratch.path).empty());
  const PendingCheckpoint second = store.begin(1, 2.0);
  write_tiny(second.folder, "one");
  CHECK(store.commit(second).step == 1);
  CHECK(store.newest_valid().checkpoint->val_loss == 2.0);
}
