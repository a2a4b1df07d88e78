// NCCL with one rank, which is all that one GPU allows: it joins, gathers texts through the device,
// trains the bits of a process without it, and leaves. Read next: cuda/comm_nccl.cpp,
// tests/simt/step_order_test.cpp (two ranks).
#include "core/error.h"
#include "cuda/backend.h"
#include "tests/simt/training_run.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {

TEST_CASE("one rank of NCCL trains one process's bits", "[nccl]") {
  if (nccl_version().starts_with("none")) {
    WARN("SKIPPED: NCCL is not here: " << nccl_version());
    return;
  }
  const auto ops = make_cuda_backend();
  NcclMeeting meeting;  // no host: as under torchrun
  meeting.address = "127.0.0.1:29577";
  const auto comm = make_nccl_comm(*ops, std::move(meeting));
  CHECK(comm->gather("some text") == std::vector<std::string>{"some text"});
  CHECK(comm->broadcast("").empty());
  CHECK(comm->any(true));
  CHECK(!comm->any(false));
  CHECK(comm->failure().empty());
  const Config config = tiny_gpt2(PrecisionChoice::Bf16);
  const TrainingRun with = train_ten_steps(*ops, *comm, config);
  const TrainingRun without = train_ten_steps(make_cuda_backend(), config);
  CHECK((with.weights == without.weights));
  CHECK((with.moments == without.moments));
  comm->leave();
}

}  // namespace causeway
