// A communicator for tensors on a device, over one for tensors on the host: what is sent is copied
// to host memory, what arrives is copied back. Slow, and it needs nothing of the device: several
// ranks can share one GPU, which NCCL refuses. Read next: core/comm.h, runtime.cpp (who chooses
// it).
#pragma once
#include <memory>

#include "core/backend.h"
#include "core/comm.h"

namespace causeway {

/// `backend` outlives it.
std::unique_ptr<Communicator> make_staged_comm(std::unique_ptr<Communicator> host,
                                               Backend& backend);

}  // namespace causeway
