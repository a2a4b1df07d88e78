// Checkpoints: whole or not there, whatever happens to the disk.
#include "core/checkpoint.h"

#include <unistd.h>

#include <fstream>

#include "core/file.h"
#include "core/philox.h"
#include "tests/catch.h"

using namespace causeway;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kFiles = {"model.safetensors", "config.json",
                                         "optimizer-0000-of-0001.safetensors", "state.json"};

void write_files(const fs::path& folder, int64_t step) {
  for (const std::string& name : kFiles)
    write_file(folder / name, fmt::format("{} {}", name, step));
}

/// The checkpoints of a run, removed at the test's end.
struct Run {
  fs::path folder = fs::temp_directory_path() / fmt::format("causeway-ckpt-test-{}", ::getpid());
  CheckpointStore store{folder};

  Run() { fs::remove_all(folder); }
  ~Run() { fs::remove_all(folder); }
  void save(int64_t step, std::optional<double> val_loss = {}) {
    store.save(step, val_loss, [&](const fs::path& f) { write_files(f, step); });
  }
  fs::path at(int64_t step) const { return folder / step_name(step); }
  /// The step that a new process would resume from.
  int64_t resumed(OnDamage on_damage = OnDamage::Skip) const {
    const auto found = CheckpointStore(folder).newest_valid(on_damage);
    return found.checkpoint ? found.checkpoint->step : -1;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }
};

/// Overwrites in place, as a failing disk would: write_file's sync would take most of the time.
void damage(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a saved checkpoint is the newest, verifies, and leaves nothing else behind") {
  Run run;
  CHECK(run.resumed() == -1);
  run.save(10);
  run.save(20, 1.25);
  CHECK(run.names() == Names{"latest", "step-00000010", "step-00000020"});
  CHECK(read_file(run.folder / "latest") == "step-00000020\n");
  CHECK(run.resumed() == 20);
  const Manifest manifest = read_manifest(run.at(20));
  CHECK(manifest.step == 20);
  CHECK(manifest.val_loss == 1.25);
  CHECK(manifest.files.size() == kFiles.size());
  CHECK(verify_checkpoint(run.at(20)).ok);
}

TEST_CASE("any flipped bit of the newest checkpoint is detected and the one before is used") {
  Run run;
  run.save(1);
  run.save(2);
  std::vector<std::string> names = kFiles;
  names.push_back(kManifestName);
  int flips = 0, detected = 0;
  for (uint32_t round = 0; flips < 500; ++round)
    for (const std::string& name : names) {
      const std::string good = read_file(run.at(2) / name);
      const auto draw = philox({.seed = 3}, static_cast<uint32_t>(flips));
      std::string bad = good;
      const size_t byte = draw[0] % good.size();
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << draw[1] % 8));
      damage(run.at(2) / name, bad);
      INFO(name << " byte " << byte);
      const bool found = run.resumed() == 1;
      CHECK(found);
      detected += found;
      ++flips;
      damage(run.at(2) / name, good);
    }
  CHECK(detected == flips);
  CHECK(run.resumed() == 2);  // the checkpoint was good all the time
}

TEST_CASE("a checkpoint that is cut, extended or incomplete is not used") {
  Run run;
  run.save(1);
  run.save(2);
  for (const std::string& name : {kFiles[0], kFiles[3], std::string(kManifestName)}) {
    const std::string good = read_file(run.at(2) / name);
    for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2),
                                   good.substr(0, good.size() - 1), good + "x"}) {
      damage(run.at(2) / name, bad);
      CHECK(run.resumed() == 1);
    }
    fs::remove(run.at(2) / name);
    CHECK(run.resumed() == 1);
    damage(run.at(2) / name, good);
    CHECK(run.resumed() == 2);
  }
}

TEST_CASE("whatever files a power cut leaves under the new name, only all of them count") {
  Run run;
  run.save(1);
  run.save(2);
  Names names = kFiles;
  names.push_back(kManifestName);
  fs::rename(run.at(2), run.folder / "whole");
  const unsigned all = (1u << names.size()) - 1;
  for (unsigned present = 0; present <= all; ++present) {
    fs::create_directory(run.at(2));
    for (size_t i = 0; i < names.size(); ++i)
      if (present >> i & 1) fs::copy_file(run.folder / "whole" / names[i], run.at(2) / names[i]);
    CHECK(run.resumed() == (present == all ? 2 : 1));
    fs::remove_all(run.at(2));
  }
}

TEST_CASE("a folder is not trusted by its name") {
  Run run;
  run.save(1);
  fs::copy(run.at(1), run.at(9));
  CHECK(run.resumed() == 1);
}

TEST_CASE("a damaged checkpoint is set aside with a warning, and kept") {
  Run run;
  run.save(1);
  run.save(2);
  damage(run.at(2) / "state.json", "x");
  const auto found = CheckpointStore(run.folder).newest_valid();
  REQUIRE(found.checkpoint);
  CHECK(found.checkpoint->step == 1);
  REQUIRE(!found.warnings.empty());
  CHECK_THAT(found.warnings[0], Catch::Contains("state.json has 1 bytes"));
  CHECK(run.names() == Names{"bad-step-00000002", "latest", "step-00000001"});
}

TEST_CASE("with no valid checkpoint left a run does not start over in silence") {
  Run run;
  run.save(1);
  damage(run.at(1) / "state.json", "x");
  CHECK_THROWS_WITH(run.resumed(OnDamage::SetAside), Catch::Contains("error[checkpoint.corrupt]"));
  CHECK(fs::exists(run.at(1)));
}

TEST_CASE("a save that fails leaves the older checkpoints and no trace") {
  Run run;
  run.save(1);
  CHECK_THROWS_WITH(run.store.save(2, {},
                                   [](const fs::path& folder) {
                                     write_files(folder, 2);
                                     fs::create_symlink("/dev/full", folder / "more");
                                     write_file(folder / "more", "text");
                                   }),
                    Catch::Contains("error[disk.full]"));
  CHECK(run.names() == Names{"latest", "step-00000001"});
  run.save(2);  // the next try works
  CHECK(run.resumed() == 2);
}

TEST_CASE("what dead processes left behind goes at start") {
  Run run;
  run.save(1);
  // No process has this id: it is above the largest that Linux gives out.
  for (const char* name : {".tmp-step-00000002-99999999", ".trash-step-00000003-99999999"}) {
    make_folder(run.folder / name);
    write_files(run.folder / name, 2);
  }
  run.store.clean_stale();
  CHECK(run.names() == Names{"latest", "step-00000001"});
}

TEST_CASE("a step saved again replaces the first, and a cut in between loses neither") {
  Run run;
  run.save(1, 3.0);
  run.save(1, 2.0);
  CHECK(read_manifest(run.at(1)).val_loss == 2.0);
  CHECK(run.names() == Names{"latest", "step-00000001"});
  fs::rename(run.at(1), run.folder / ".old-step-00000001");  // cut before the new one had its name
  CheckpointStore(run.folder).clean_stale();
  CHECK(run.resumed() == 1);
}

TEST_CASE("pruning keeps the newest, the best, and the last valid one") {
  Run run;
  for (int64_t step = 1; step <= 6; ++step) run.save(step, step == 2 ? 1.0 : 2.0);
  CHECK(run.store.best()->step == 2);
  CHECK(run.store.prune(2, KeepBest::Yes) == std::vector<int64_t>{1, 3, 4});
  CHECK(run.names() == Names{"latest", "step-00000002", "step-00000005", "step-00000006"});
  damage(run.at(6) / "state.json", "x");
  CHECK(CheckpointStore(run.folder).prune(1, KeepBest::No) == std::vector<int64_t>{2});
  CHECK(run.resumed() == 5);  // the newest is damaged, so the one before it stays too
}
