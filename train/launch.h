// Launch: who started this process, and as which rank of how many. Read from the environment that
// launchers set (mpirun, srun, torchrun), before any library is asked. Read next: runtime.h
// (who joins the ranks), docs/scaling.md.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

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
/// Where rank 0 of torchrun's ranks listens for NCCL, "host:port": at MASTER_ADDR, beside
/// torchrun's own store, which holds MASTER_PORT. Throws Error "usage.launcher".
std::string nccl_address();
std::string_view launcher_name(Launcher launcher);

}  // namespace causeway
