// Damaged checkpoints: always noticed, named, set aside, and never a reason to start over in
// silence.
#include <random>

#include "tests/core/checkpoint_check.h"
// Last, so that CHECK means Catch2's.
#include "tests/error_of.h"

using namespace causeway;
using namespace causeway::test;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

namespace {
/// Where root runs the test: for as long as it lives, a user whom permissions stop.
struct AsNobody {
  static constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  AsNobody() { REQUIRE((!root || ::seteuid(kNobody) == 0)); }
  ~AsNobody() { CHECK((!root || ::seteuid(0) == 0)); }
};
}  // namespace

TEST_CASE("500 random single-byte changes of the newest checkpoint are all noticed") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  save_tiny(store, 1, "one", 3.0);
  const fs::path newest = save_tiny(store, 2, "two", 2.0).folder;
  std::vector<std::pair<std::string, size_t>> places;  // every byte of every file
  for (const std::string& name : names(newest))
    for (size_t i = 0; i < fs::file_size(newest / name); ++i) places.emplace_back(name, i);
  std::mt19937 random(1337);
  for (int n = 0; n < 500; ++n) {
    const auto [name, offset] = places[random() % places.size()];
    const int mask = static_cast<int>(1 + random() % 255);
    flip(newest / name, offset, mask);
    const auto found = store.newest_valid();
    INFO("byte " << offset << " of " << name << " xor " << mask);
    REQUIRE(found.checkpoint);
    REQUIRE(found.checkpoint->step == 1);
    REQUIRE(found.warnings.size() == 2);
    REQUIRE(found.warnings[0].find("step-00000002 is damaged: " + name) != std::string::npos);
    REQUIRE(found.warnings[1] == "set aside as bad-step-00000002");
    REQUIRE_FALSE(fs::exists(newest));
    fs::rename(scratch.path / "bad-step-00000002", newest);
    flip(newest / name, offset, mask);
  }
  CHECK(store.newest_valid().checkpoint->step == 2);
}

TEST_CASE("a checkpoint that may not be read is an error, not damage to set aside") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  save_tiny(store, 1, "one");
  const fs::path newest = save_tiny(store, 2, "two").folder;
  const fs::path file = newest / GENERATE("model.safetensors", "manifest.json");
  fs::permissions(file, fs::perms::none);
  {
    const AsNobody nobody;
    const ErrorInfo error = error_of([&] { store.newest_valid(OnDamage::Skip); });
    CHECK(error.id == "checkpoint.permission");
    CHECK(error.where == file.string());
  }
  CHECK(fs::exists(newest));
}

TEST_CASE("damage to a checkpoint's files is named") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  const fs::path folder = save_tiny(store, 7, "x").folder;
  const auto problem = [&] {
    const Verification result = verify_checkpoint(folder);
    CHECK_FALSE(result.ok);
    return result.problems.empty() ? "" : result.problems.front();
  };
  const fs::path model = folder / "model.safetensors";
  const std::string text = read_file(model);
  write_file(model, std::string_view(text).substr(1));
  CHECK(problem() == fmt::format("model.safetensors has {} bytes, {} were written", text.size() - 1,
                                 text.size()));
  fs::remove(model);
  CHECK(problem() == "model.safetensors is missing");
  make_folder(model);
  CHECK(problem() == "model.safetensors is no file");
  fs::remove(model);
  write_file(model, std::string_view(text));
  CHECK(verify_checkpoint(folder).ok);

  const std::string manifest = read_file(folder / "manifest.json");
  for (const size_t size : {size_t{0}, size_t{30}, manifest.size() / 2, manifest.size() - 1}) {
    write_file(folder / "manifest.json", std::string_view(manifest).substr(0, size));
    CHECK_FALSE(verify_checkpoint(folder).ok);
  }
  fs::remove(folder / "manifest.json");
  CHECK(problem() == "manifest.json no such file");
  CHECK_THROWS_WITH(read_manifest(folder), Catch::Contains("error[checkpoint.missing]"));
  write_file(folder / "manifest.json", std::string_view(manifest));
  CHECK(verify_checkpoint(folder).ok);
}

TEST_CASE("a file the manifest does not know costs nobody a checkpoint, and is told") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  const fs::path folder = save_tiny(store, 7, "x").folder;
  write_file(folder / "notes.txt", std::string_view("mine"));
  const auto found = store.newest_valid();
  REQUIRE(found.checkpoint);
  CHECK(found.warnings == Strings{folder.string() + ": notes.txt is not part of the checkpoint"});
}

TEST_CASE("a folder is not trusted by its name") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  const fs::path one = save_tiny(store, 1, "one").folder;
  fs::copy(one, scratch.path / "step-00000009");
  make_folder(scratch.path / "step-00000008");
  // None of these is a name that the program writes.
  for (const char* name : {"step-9", "step-00000010x", "step--0000001", "step-000000011"})
    fs::copy(one, scratch.path / name);
  const auto found = store.newest_valid();
  REQUIRE(found.checkpoint);
  CHECK(found.checkpoint->step == 1);
  REQUIRE(found.warnings.size() == 4);
  CHECK(found.warnings[0].find("the folder is named step-00000009 and holds step 1") !=
        std::string::npos);
  CHECK(found.warnings[1].find("manifest.json no such file") != std::string::npos);
  CHECK(fs::exists(scratch.path / "bad-step-00000009"));
  CHECK(steps(store) == std::vector<int64_t>{1});
}

TEST_CASE("when no checkpoint is valid nothing is moved and the run does not start over") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  for (const int64_t step : {1, 2}) flip(save_tiny(store, step, "x").folder / "state.json", 3, 1);
  for (int again = 0; again < 2; ++again)
    CHECK_THROWS_WITH(store.newest_valid(),
                      Catch::Contains("error[checkpoint.corrupt]") &&
                          Catch::Contains("none of its 2 checkpoints is valid") &&
                          Catch::Contains("state.json has other content") &&
                          Catch::Contains("run.name=NEW"));
  CHECK(steps(store) == std::vector<int64_t>{2, 1});
}

TEST_CASE("a reader passes over damage and changes nothing") {
  const Scratch scratch;
  CheckpointStore store(scratch.path);
  save_tiny(store, 1, "one");
  flip(save_tiny(store, 2, "two").folder / "state.json", 3, 1);
  const Strings before = names(scratch.path);
  CHECK(CheckpointStore(scratch.path).newest_valid(OnDamage::Skip).checkpoint->step == 1);
  CHECK(names(scratch.path) == before);
}
