// Device memory of a training run: planned exactly without a GPU, taken once, refused with words.
// Read next: device_memory.h, train/plan.h.
#include "core/error.h"
#include "cuda/backend.h"
#include "tests/simt/device_memory.h"
#include "tests/simt/host_matmul.h"
#include "tests/simt/training_run.h"
#include "train/plan.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {
namespace {

/// A bigger scratch than any workspace: a vocabulary to sort, and rows to sum.
Config wide(Config config) {
  config.model.vocab_size = 3000;
  config.train.grad_lanes = 2;
  return config;
}

void no_data(int64_t, HostBatch&) {}

void require_planned(const Config& config) {
  Model model(config.model);
  const auto nowhere = make_cuda_preparation();
  const MemoryPlan planned = plan_memory(config, model, nowhere.get());

  const size_t before = device_memory().held;
  const auto ops = make_cuda_backend();
  CHECK(plan_memory(config, model, ops.get()).total == planned.total);
  SingleComm alone;
  ModelState state =
      make_training_state(*ops, model, config, alone, Precision::of(config.train.precision));
  Arena arena(*ops, planned.arena_bytes);
  TrainStep step(*ops, alone, arena, model, state, config);
  state.initialise(*ops, config.run.seed);
  CHECK(device_memory().held - before == planned.total);
  const int64_t allocations = device_memory().allocations;
  for (int64_t s = 0; s < 3; ++s) step.run(s, no_data, kTrainingRate);
  step.evaluate([](HostBatch&) {});
  CHECK(device_memory().allocations == allocations);
}

}  // namespace

TEST_CASE("a plan for CUDA made without a GPU is the bytes that a run allocates, in its first step",
          "[memory]") {
  require_planned(wide(tiny_gpt2(PrecisionChoice::Fp32)));
  require_planned(wide(tiny_llama(PrecisionChoice::Bf16)));
}

TEST_CASE("the plan is exact also where the library does not fuse", "[memory]") {
  const cuda::Knowing plain(cuda::KnownProducts::Plain);
  require_planned(wide(tiny_gpt2(PrecisionChoice::Bf16)));
}

TEST_CASE("memory that the device refuses is an error of memory, with what is free", "[memory]") {
  DeviceMemory& memory = device_memory();
  const auto ops = make_cuda_backend();
  const size_t before = memory.limit;
  memory.limit = memory.held + (size_t{3} << 20);
  try {
    const Buffer buffer(*ops, size_t{5} << 20);
    FAIL("5 MiB of 3 were lent");
  } catch (const Error& refused) {
    CHECK(refused.info().id == "memory.device");
    CHECK_THAT(refused.info().what, Catch::Contains("refused 5.0 MiB; 3.0 of its"));
    CHECK_THAT(refused.info().remedy, Catch::Contains("causeway plan"));
  }
  memory.limit = before;
}

}  // namespace causeway
