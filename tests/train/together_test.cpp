// What ranks agree on: failures of one are all ranks', and differences are refused. The ranks are
// threads. Read next: train/together.h, train/agree.h.
#include "train/together.h"

#include <atomic>

#include "core/config_load.h"
#include "core/config_validate.h"
#include "core/file.h"
#include "tests/train/temp_folder.h"
#include "tests/train/thread_ranks.h"
#include "train/agree.h"
#include "train/comm_mpi.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"
#include "tests/error_of.h"

namespace causeway::test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

[[noreturn]] void fail(const char* what) {
  throw Error({.id = "disk.full", .where = "file", .what = what, .remedy = "make room"});
}

Environment on_cpu(const std::string& isa) {
  Environment environment;
  environment.version = "1", environment.isa = isa;
  return environment;
}

Environment on_gpu(const std::string& gpu, const std::string& isa) {
  Environment environment = on_cpu(isa);
  environment.gpu = gpu;
  return environment;
}

/// The error of two ranks with these environments, or "".
std::string agreement(const Environment& first, const Environment& second) {
  Config config = load_config_text(
      "run: {name: r}\ndata: {source: t, tokenizer: char}\nmodel: {vocab_size: 8}\n"
      "train: {max_steps: 1}\n",
      "test");
  resolve(config);
  const auto outcomes = on_ranks(2, [&](Communicator& comm) {
    agree_on_run(comm, config, comm.rank() == 0 ? first : second, "hash");
  });
  CHECK(outcomes[0] == outcomes[1]);
  return outcomes[0];
}

}  // namespace

TEST_CASE("a failure of one rank is thrown by all, naming the rank") {
  const auto outcomes = on_ranks(4, [](Communicator& comm) {
    together(comm, [&] {
      if (comm.rank() == 2) fail("no space");
    });
  });
  for (const int r : {0, 1, 3})
    CHECK_THAT(outcomes[r], Contains("error[disk.full] file: rank 2: no space"));
  CHECK_THAT(outcomes[2], Contains("error[disk.full] file: no space"));
}

TEST_CASE("what the system or the library throws keeps its meaning among ranks") {
  const auto thrown_by_0 = [](const auto& error) {
    return on_ranks(2, [&](Communicator& comm) {
      together(comm, [&] {
        if (comm.rank() == 0) throw error;
      });
    })[1];
  };
  CHECK_THAT(thrown_by_0(std::bad_alloc()), Contains("error[memory.host]"));
  CHECK_THAT(thrown_by_0(std::runtime_error("odd")), Contains("error[internal.exception] odd"));
  const auto too_long = std::make_error_code(std::errc::filename_too_long);
  CHECK_THAT(thrown_by_0(fs::filesystem_error("status", "some/path", too_long)),
             Contains("error[disk.access] some/path: File name too long"));
}

TEST_CASE("ranks that wait for one at work keep hearing that it lives, and of its failure") {
  std::atomic<int> beats = 0;
  const auto outcomes = on_ranks(3, [&](Communicator& comm) {
    together_alive(
        comm,
        [&] {
          if (comm.rank() != 1) return;
          std::this_thread::sleep_for(std::chrono::milliseconds(900));
          fail("no space");
        },
        [&] { ++beats; });
  });
  CHECK(beats >= 3 * 3);  // 900 ms are at least three times as long as they are silent
  for (const int r : {0, 2}) CHECK_THAT(outcomes[r], Contains("rank 1: no space"));
  CHECK_THAT(outcomes[1], Contains("no space"));
}

TEST_CASE("a save that one rank cannot write is given up by all, and nothing of it is left") {
  const TempFolder folder;
  const auto outcomes = on_ranks(4, [&](Communicator& comm) {
    CheckpointStore store(folder.path());
    const auto save = [&](int64_t step, int failing) {
      save_together(comm, store, step, {}, [&](const fs::path& place) {
        if (comm.rank() == failing) fail("no space");
        write_file(place / fmt::format("part-{}", comm.rank()), std::string_view("x"));
      });
    };
    save(1, -1);
    save(2, 3);
  });
  for (int r = 0; r < 4; ++r) CHECK_THAT(outcomes[r], Contains("error[disk.full]"));
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    if (entry.is_directory() && !entry.is_symlink()) left.push_back(entry.path().filename());
  CHECK(left == std::vector<std::string>{"step-00000001"});
}

TEST_CASE("a run tells on what else it was before, and what no longer counts is left out") {
  Environment h200 = on_gpu("NVIDIA H200", "avx2");
  h200.gpu_libraries = "cuBLASLt 13.0.2";
  CHECK(changes_since(to_json(h200), h200).empty());
  CHECK(changes_since(to_json(h200), on_cpu("avx512")) ==
        std::vector<std::string>{"isa: avx2 before, avx512 now",
                                 "gpu: NVIDIA H200 before, none now"});
  Environment newer = on_gpu("NVIDIA H200", "avx512");  // on GPUs the CPU does not count
  newer.gpu_libraries = "cuBLASLt 13.1.0";
  CHECK(changes_since(to_json(h200), newer) ==
        std::vector<std::string>{"gpu_libraries: cuBLASLt 13.0.2 before, cuBLASLt 13.1.0 now"});
  Json old_file = to_json(h200);
  old_file.erase("gpu_libraries");
  CHECK(changes_since(old_file, h200) ==
        std::vector<std::string>{"gpu_libraries: ? before, cuBLASLt 13.0.2 now"});
}

TEST_CASE("ranks on CPUs must have one instruction set, whatever GPUs there are") {
  CHECK(agreement(on_cpu("avx512"), on_cpu("avx512")).empty());
  CHECK_THAT(agreement(on_cpu("avx512"), on_cpu("avx2")),
             Contains("error[config.ranks_differ] ranks 0 and 1") &&
                 Contains("isa: \"avx512\" and \"avx2\""));
}

TEST_CASE("ranks on GPUs must have one model of GPU, whatever the instruction set") {
  CHECK(agreement(on_gpu("H200", "avx512"), on_gpu("H200", "avx2")).empty());
  CHECK_THAT(agreement(on_gpu("H200", "avx512"), on_gpu("A100", "avx512")),
             Contains("error[config.ranks_differ]") && Contains("gpu: \"H200\" and \"A100\""));
}

TEST_CASE("an MPI that serves no process with threads is refused") {
  if (mpi_version().empty()) {
    WARN("SKIPPED: this build has no MPI");
    return;
  }
  CHECK(error_of([] { require_thread_level(0); }).id == "usage.mpi_threads");  // MPI_THREAD_SINGLE
  require_thread_level(1);
}

}  // namespace causeway::test
