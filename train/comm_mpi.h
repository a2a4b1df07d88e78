// The communicator of ranks that MPI started: CPU ranks, over shared memory or a network. A build
// without MPI has comm_mpi_absent.cpp in place of comm_mpi.cpp. Read next: core/comm.h.
#pragma once
#include <memory>

#include "core/comm.h"

namespace causeway {

struct Launch;

/// Starts MPI. Throws Error "usage.launcher" when MPI sees another number of ranks than the
/// launcher started (each would train alone, in one folder), "usage.no_mpi" in a build without MPI.
std::unique_ptr<Communicator> make_mpi_comm(const Launch& launch);

/// Throws Error "usage.mpi_threads" where MPI_Init_thread gave less than MPI_THREAD_FUNNELED (1).
void require_thread_level(int level);

/// "Open MPI 4.1.4", or "" in a build without MPI.
std::string mpi_version();

}  // namespace causeway
