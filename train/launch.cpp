// See launch.h.
#include "train/launch.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "train/comm_mpi.h"

namespace causeway {
namespace {

[[noreturn]] void refuse(const char* variable, const std::string& what) {
  throw Error({.id = "usage.launcher",
               .where = variable,
               .what = what,
               .remedy = "start ranks with mpirun, srun or torchrun, which set these variables "
                         "together;\nunset them to train with one process"});
}

/// The value of an environment variable, a whole number ≥ 0.
std::optional<int> number(const char* variable) {
  const char* text = std::getenv(variable);
  if (!text || !*text) return {};
  int value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc() || *end || value < 0)
    refuse(variable, fmt::format("\"{}\" is no number of ranks", text));
  return value;
}

/// The names under which a launcher tells what Launch holds.
struct Variables {
  Launcher launcher;
  const char *size, *rank, *local_size, *local_rank;
};

constexpr Variables kVariables[] = {
    {Launcher::MpiRun, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
     "OMPI_COMM_WORLD_LOCAL_RANK"},
    // Only srun sets the step's size: a batch script that calls us directly is one process.
    {Launcher::Srun, "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_STEP_TASKS_PER_NODE",
     "SLURM_LOCALID"},
    {Launcher::Torchrun, "WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE", "LOCAL_RANK"},
};

std::optional<Launch> read(const Variables& names) {
  const std::optional<int> size = number(names.size);
  if (!size || *size == 0) return {};
  const std::optional<int> rank = number(names.rank);
  if (!rank) refuse(names.size, fmt::format("is set, but {} is not", names.rank));
  if (*rank >= *size)
    refuse(names.rank, fmt::format("rank {} of {} ranks: they count from 0", *rank, *size));
  Launch launch{.launcher = names.launcher, .rank = *rank, .size = *size};
  launch.local_rank = number(names.local_rank).value_or(0);
  // Slurm writes "4(x2)"; the size per node only bounds the threads, so any start of a number does.
  if (const char* local = std::getenv(names.local_size)) launch.local_size = std::atoi(local);
  launch.local_size = std::max(launch.local_size, 1);
  return launch;
}

}  // namespace

Launch read_launch() {
  for (const Variables& names : kVariables)
    if (const auto launch = read(names)) return *launch;
  return {};
}

std::string_view launcher_name(Launcher launcher) {
  switch (launcher) {
    case Launcher::MpiRun:
      return "mpirun";
    case Launcher::Srun:
      return "srun";
    case Launcher::Torchrun:
      return "torchrun";
    case Launcher::None:
      break;
  }
  return "none";
}

std::unique_ptr<Communicator> join_ranks(const Launch& launch, DeviceChoice device) {
  if (launch.size == 1) return std::make_unique<SingleComm>();
  if (launch.launcher == Launcher::Torchrun)
    throw Error(
        {.id = "usage.no_mpi",
         .where = fmt::format("device: {}", device == DeviceChoice::Cpu ? "cpu" : "auto"),
         .what = fmt::format("{} started {} ranks, but ranks on CPUs talk through MPI",
                             launcher_name(launch.launcher), launch.size),
         .remedy = fmt::format("start them so: mpirun -np {} causeway train …", launch.size)});
  return make_mpi_comm(launch);
}

}  // namespace causeway
