// In place of comm_nccl.cpp in a build without NCCL. See backend.h.
#include "core/error.h"
#include "cuda/backend.h"

namespace causeway {

std::string nccl_version() { return "none in this build"; }

std::unique_ptr<Communicator> make_nccl_comm(Backend&, NcclMeeting meeting) {
  throw Error(
      {.id = "device.no_nccl",
       .where = "",
       .what = fmt::format("{} GPU ranks were started, but this build has no NCCL", meeting.size),
       .remedy = "install NCCL (libnccl-dev) and configure again; or start one process"});
}

}  // namespace causeway
