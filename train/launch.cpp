// See launch.h.
#include "train/launch.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "core/error.h"

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
  const std::optional<int> rank = number(names.rank);
  if (!size) {
    // A batch script of Slurm's has SLURM_PROCID alone.
    if (rank && names.launcher == Launcher::Torchrun)
      refuse(names.rank, fmt::format("is set, but {} is not", names.size));
    return {};
  }
  if (!rank) refuse(names.size, fmt::format("is set, but {} is not", names.rank));
  if (*rank >= *size)
    refuse(names.rank, fmt::format("rank {} of {} ranks: they count from 0", *rank, *size));
  Launch launch{.launcher = names.launcher, .rank = *rank, .size = *size};
  launch.local_rank = number(names.local_rank).value_or(0);
  // Slurm writes "4(x2)"; the size per node only bounds the threads, so any start of a number does.
  if (const char* local = std::getenv(names.local_size)) launch.local_size = std::atoi(local);
  launch.local_size = std::max(launch.local_size, 1);
  if (names.launcher != Launcher::Srun && std::getenv(names.local_size) &&
      launch.local_rank >= launch.local_size)
    refuse(names.local_rank, fmt::format("rank {} of {} on this machine: they count from 0",
                                         launch.local_rank, launch.local_size));
  return launch;
}

/// `own` where that is given, else the port after `before`.
int meeting_port(const char* own, const char* before) {
  const char* text = own ? own : before;
  const int most = own ? 65535 : 65534;
  int port = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), port);
  if (error != std::errc() || *end || port < 1 || port > most)
    refuse(own ? "CAUSEWAY_PORT" : "MASTER_PORT",
           fmt::format("\"{}\" is no port from 1 to {}{}", text, most,
                       own ? "" : ": ranks meet at the next"));
  return own ? port : port + 1;
}

}  // namespace

Launch read_launch() {
  // Nested launchers: torchrun is started once per node, by srun or mpirun as well.
  if (std::getenv("TORCHELASTIC_RUN_ID"))
    for (const Variables& names : kVariables)
      if (names.launcher == Launcher::Torchrun)
        if (const auto launch = read(names)) return *launch;
  for (const Variables& names : kVariables)
    if (const auto launch = read(names)) return *launch;
  return {};
}

std::string nccl_address() {
  const char* host = std::getenv("MASTER_ADDR");
  const char* own = std::getenv("CAUSEWAY_PORT");
  const char* before = std::getenv("MASTER_PORT");
  if (!host || !*host || (!own && !before))
    throw Error({.id = "usage.launcher",
                 .where = "MASTER_ADDR, MASTER_PORT",
                 .what = "ranks were started without MPI, and these do not say where to meet",
                 .remedy = "torchrun sets them; CAUSEWAY_PORT chooses another port than "
                           "MASTER_PORT + 1"});
  const bool ip6 = std::strchr(host, ':') && *host != '[';
  return fmt::format("{}{}{}:{}", ip6 ? "[" : "", host, ip6 ? "]" : "", meeting_port(own, before));
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

}  // namespace causeway
