// In place of comm_mpi.cpp where the build found no MPI. See comm_mpi.h.
#include "core/error.h"
#include "train/comm_mpi.h"
#include "train/launch.h"

namespace causeway {

std::unique_ptr<Communicator> make_mpi_comm(const Launch& launch) {
  throw Error({.id = "usage.no_mpi",
               .where = std::string(launcher_name(launch.launcher)),
               .what = fmt::format("{} ranks were started, but this build has no MPI", launch.size),
               .remedy = "install it (Debian: apt-get install libopenmpi-dev openmpi-bin) and "
                         "build again;\nor start one process without a launcher"});
}

void require_thread_level(int) {}

std::string mpi_version() { return ""; }

}  // namespace causeway
