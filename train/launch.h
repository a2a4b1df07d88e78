// Launch: who started this process, and as which rank of how many. Read from the environment that
// launchers set (mpirun, srun, torchrun), before any library is asked. Read next: comm_mpi.h,
// docs/scaling.md.
#pragma once
#include <memory>
#include <string>

#include "core/comm.h"
#include "core/config.h"

namespace causeway {

enum class Launcher : uint8_t { None, MpiRun, Srun, Torchrun };

struct Launch {
  Launcher launcher = Launcher::None;
  int rank = 0, size = 1;
  int local_rank = 0, local_size = 1;  ///< among the ranks of this machine
};

/// Throws Error "usage.launcher" for variables that cannot be right, such as RANK without
/// WORLD_SIZE.
Launch read_launch();
std::string_view launcher_name(Launcher launcher);

/// Joins the other ranks; one process on its own joins nobody. Throws Error "usage.launcher" when
/// the launcher and MPI disagree, "usage.no_mpi" when this build has no MPI, or CPU ranks were
/// started without it.
std::unique_ptr<Communicator> join_ranks(const Launch& launch, DeviceChoice device);

}  // namespace causeway
