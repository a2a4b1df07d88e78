// The promise of equal bits, on hardware. The emulation's twin is tests/simt/step_order_test.cpp.
#include "cuda/backend.h"
#include "tests/simt/training_run.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {

TEST_CASE("a training run on a GPU gives the same bits every time", "[training]") {
  for (const Config& config :
       {tiny_gpt2(PrecisionChoice::Bf16), tiny_llama(PrecisionChoice::Bf16)}) {
    const TrainingRun first = train_ten_steps(make_cuda_backend(), config);
    for (int time = 0; time < 3; ++time)
      CHECK((train_ten_steps(make_cuda_backend(), config).moments == first.moments));
  }
}

}  // namespace causeway
