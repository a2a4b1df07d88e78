// What a launcher's variables say of this process, and which of them cannot be right. Read next:
// train/launch.h, ranks_test.cpp (real launchers).
#include "train/launch.h"

#include <cstdlib>
#include <map>
#include <string>

#include "core/error.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"
#include "tests/error_of.h"

namespace causeway::test {
namespace {

using Catch::Contains;

/// No launcher's variables but these, as long as it lives.
class Variables {
 public:
  explicit Variables(std::map<std::string, std::string> given) : given_(std::move(given)) {
    for (const char* name :
         {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
          "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID",
          "SLURM_STEP_TASKS_PER_NODE", "SLURM_LOCALID", "TORCHELASTIC_RUN_ID", "WORLD_SIZE", "RANK",
          "LOCAL_WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "CAUSEWAY_PORT"}) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      ::unsetenv(name);
    }
    for (const auto& [name, value] : given_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Variables() {
    for (const auto& [name, value] : given_) ::unsetenv(name.c_str());
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  std::map<std::string, std::string> given_, before_;
};

Launch launch_of(const std::map<std::string, std::string>& given) {
  const Variables variables(given);
  return read_launch();
}

ErrorInfo refusal(const std::map<std::string, std::string>& given) {
  return error_of([&] { launch_of(given); });
}

std::string meeting(const std::map<std::string, std::string>& given) {
  const Variables variables(given);
  return nccl_address();
}

}  // namespace

TEST_CASE("each launcher's variables give rank, size and the place on the machine") {
  CHECK(launch_of({}).launcher == Launcher::None);
  const Launch torchrun = launch_of(
      {{"WORLD_SIZE", "16"}, {"RANK", "9"}, {"LOCAL_WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}});
  CHECK(torchrun.launcher == Launcher::Torchrun);
  CHECK(torchrun.rank == 9);
  CHECK(torchrun.size == 16);
  CHECK(torchrun.local_rank == 1);
  CHECK(torchrun.local_size == 8);
  const Launch srun = launch_of({{"SLURM_STEP_NUM_TASKS", "6"},
                                 {"SLURM_PROCID", "5"},
                                 {"SLURM_STEP_TASKS_PER_NODE", "2,4"},
                                 {"SLURM_LOCALID", "3"}});
  CHECK(srun.launcher == Launcher::Srun);
  CHECK(srun.rank == 5);
  CHECK(srun.local_rank == 3);
}

TEST_CASE("torchrun that srun or mpirun starts once per node is who started the ranks") {
  std::map<std::string, std::string> given = {
      {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"},
      {"OMPI_COMM_WORLD_RANK", "1"}, {"WORLD_SIZE", "16"},  {"RANK", "9"},
      {"LOCAL_WORLD_SIZE", "8"},     {"LOCAL_RANK", "1"}};
  CHECK(launch_of(given).launcher == Launcher::MpiRun);
  given["TORCHELASTIC_RUN_ID"] = "7";
  const Launch launch = launch_of(given);
  CHECK(launch.launcher == Launcher::Torchrun);
  CHECK(launch.rank == 9);
  CHECK(launch.size == 16);
}

TEST_CASE("variables that are missing or contradict each other are refused by name") {
  CHECK_THAT(refusal({{"WORLD_SIZE", "2"}}).what, Contains("RANK is not"));
  CHECK_THAT(refusal({{"RANK", "1"}}).what, Contains("WORLD_SIZE is not"));
  CHECK(launch_of({{"SLURM_PROCID", "0"}}).size == 1);  // a batch script's, no step of ranks
  CHECK_THAT(refusal({{"WORLD_SIZE", "2"}, {"RANK", "2"}}).what, Contains("rank 2 of 2"));
  CHECK_THAT(refusal({{"WORLD_SIZE", "2"}, {"RANK", "-1"}}).what, Contains("\"-1\""));
  CHECK_THAT(refusal({{"WORLD_SIZE", "0"}, {"RANK", "0"}}).what, Contains("rank 0 of 0"));
  const ErrorInfo local =
      refusal({{"WORLD_SIZE", "8"}, {"RANK", "4"}, {"LOCAL_WORLD_SIZE", "4"}, {"LOCAL_RANK", "4"}});
  CHECK(local.where == "LOCAL_RANK");
  CHECK_THAT(local.what, Contains("rank 4 of 4 on this machine"));
}

TEST_CASE("torchrun's ranks meet beside its store, or at CAUSEWAY_PORT") {
  CHECK(meeting({{"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}}) == "node1:29501");
  CHECK(meeting({{"MASTER_ADDR", "fe80::1"}, {"MASTER_PORT", "29500"}}) == "[fe80::1]:29501");
  CHECK(meeting({{"MASTER_ADDR", "node1"}, {"MASTER_PORT", "x"}, {"CAUSEWAY_PORT", "80"}}) ==
        "node1:80");
  const auto refused = [](const std::map<std::string, std::string>& given) {
    return error_of([&] { meeting(given); });
  };
  CHECK(refused({{"MASTER_PORT", "29500"}}).where == "MASTER_ADDR, MASTER_PORT");
  CHECK(refused({{"MASTER_ADDR", "node1"}, {"MASTER_PORT", "65535"}}).where == "MASTER_PORT");
  CHECK(refused({{"MASTER_ADDR", "node1"}, {"MASTER_PORT", "-7"}}).where == "MASTER_PORT");
  CHECK(refused({{"MASTER_ADDR", "node1"}, {"CAUSEWAY_PORT", "http"}}).where == "CAUSEWAY_PORT");
}

}  // namespace causeway::test
