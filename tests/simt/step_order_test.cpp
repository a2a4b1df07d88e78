// The same bits of a training run on the emulated CUDA backend, in several orders of warps and on
// two ranks. Read next: training_run.h.
#include "cuda/backend.h"
#include "tests/simt/engine.h"
#include "tests/simt/training_run.h"
#include "train/comm_mpi.h"
#include "train/comm_staged.h"
#include "train/launch.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {

TEST_CASE("any order of warps gives the same bits of a training run") {
  const Config config = tiny_gpt2(PrecisionChoice::Bf16);
  const simt::Options before = simt::options;
  std::vector<float> expected;
  for (simt::Order order : {simt::Order::Forward, simt::Order::Reverse, simt::Order::Random}) {
    simt::options.order = order;
    const TrainingRun run = train_ten_steps(make_cuda_backend(), config);
    if (expected.empty()) expected = run.moments;
    CHECK(run.moments == expected);
  }
  simt::options = before;
}

TEST_CASE("from its second time on, every micro-batch and the optimizer's step is one graph") {
  Config config = tiny_gpt2(PrecisionChoice::Fp32);
  config.train.micro_batch_size = 1;  // two lanes of two: the third micro-batch is as the first
  config.train.cuda_graph = true;
  const uint64_t before = simt::stats.graphs;
  train_ten_steps(make_cuda_backend(), config);
  constexpr uint64_t kGraphs = 4 + 2;  // micro-batches; the norm, and the update
  CHECK(simt::stats.graphs - before == 1 + (kTrainingSteps - 1) * kGraphs);
}

// Run by mpirun with two ranks, see CMakeLists.txt; each rank also trains alone.
TEST_CASE("two ranks on emulated CUDA write one rank's bits, over MPI", "[.ranks]") {
  const Launch launch = read_launch();
  REQUIRE(launch.size == 2);
  const auto ops = make_cuda_backend();
  const auto comm = make_staged_comm(make_mpi_comm(launch), *ops);
  Config no_masters = tiny_gpt2(PrecisionChoice::Bf16);
  no_masters.train.master_weights = false;
  for (const auto& config :
       {tiny_gpt2(PrecisionChoice::Bf16), no_masters, tiny_llama(PrecisionChoice::Fp32)}) {
    Config graphs = config;  // the exchange stays outside of them
    graphs.train.cuda_graph = true;
    const TrainingRun both = train_ten_steps(*ops, *comm, graphs);
    const TrainingRun alone = train_ten_steps(make_cuda_backend(), config);
    CHECK(both.moments.size() < alone.moments.size());
    CHECK((both.weights == alone.weights));
    for (int64_t s = 0; s < kTrainingSteps; ++s) CHECK(both.steps[s].loss == alone.steps[s].loss);
  }
  comm->leave();
}

}  // namespace causeway
