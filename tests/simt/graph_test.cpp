// Graphs of the CUDA backend: emulated here, by hardware in tests/gpu. The emulation keeps what it
// is given and does it when the graph is launched, so a stale argument shows. Read next:
// cuda/graph.h.
#include "core/buffer.h"
#include "core/error.h"
#include "cuda/backend.h"
#include "tests/simt/training_run.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway {
namespace {

constexpr int64_t kSize = 300;

/// Some numbers on the device that operations change.
class Numbers {
 public:
  explicit Numbers(Backend& ops) : ops_(ops), memory_(ops, 5 * kSize * sizeof(float)) {
    std::vector<float> start(5 * kSize);
    for (size_t i = 0; i < start.size(); ++i) start[i] = static_cast<float>(i % 7);
    ops.upload(all(), start.data());
  }

  Tensor row(int64_t i) const { return all().slice(0, i * kSize, kSize); }
  std::vector<float> read() const {
    std::vector<float> numbers(5 * kSize);
    ops_.download(numbers.data(), all());
    return numbers;
  }

  /// What changes from step to step in training: dropout's numbers, the rate, Adam's step, and here
  /// also an address and a factor.
  void change(const Tensor& scalars, int64_t step) const {
    const auto index = static_cast<uint64_t>(step);
    ops_.dropout(row(step % 2), row(4), 0.5, {.seed = 1, .index = index});
    ops_.axpby(row(4), 0.5 + static_cast<double>(step), row(step % 2), 1);
    const AdamWSlice slice{.value = row(1), .m = row(2), .v = row(3), .grad = row(4)};
    ops_.adamw({.lr = 0.1 / static_cast<double>(1 + step), .step = 1 + step, .scalars = scalars},
               std::span(&slice, 1));
  }

 private:
  Tensor all() const { return Tensor(memory_.data(), DType::F32, {5 * kSize}); }

  Backend& ops_;
  Buffer memory_;
};

/// Four micro-batches in two lanes: one begins a sum, one adds to it, one ends the step.
Config four_micro_batches(Config config) {
  config.train.micro_batch_size = 1;
  return config;
}

}  // namespace

TEST_CASE("ten steps from graphs are the bits of ten without", "[training][graph]") {
  for (Config config : {four_micro_batches(tiny_gpt2(PrecisionChoice::Bf16)),
                        four_micro_batches(tiny_llama(PrecisionChoice::Fp32))}) {
    const TrainingRun without = train_ten_steps(make_cuda_backend(), config);
    config.train.cuda_graph = true;
    const TrainingRun with = train_ten_steps(make_cuda_backend(), config);
    CHECK((with.moments == without.moments));
    CHECK((with.weights == without.weights));
    for (int64_t s = 0; s < kTrainingSteps; ++s) CHECK(with.steps[s].loss == without.steps[s].loss);
  }
}

TEST_CASE("a graph has the arguments of its latest time", "[training][graph]") {
  const auto ops = make_cuda_backend();
  const Buffer memory(*ops, kStepScalars * sizeof(double));
  const Tensor scalars(memory.data(), DType::F64, {kStepScalars});
  const double fine[kStepScalars] = {1, 1, 1, 1};
  ops->upload(scalars, fine);
  const Numbers with(*ops), without(*ops);
  for (int64_t step = 0; step < 5; ++step) {
    without.change(scalars, step);
    ops->run_graph("step", [&] { with.change(scalars, step); });
    CHECK((with.read() == without.read()));
  }
}

TEST_CASE("a graph of other operations than before is made anew", "[training][graph]") {
  const auto ops = make_cuda_backend();
  const Numbers with(*ops), without(*ops);
  for (int64_t count : {1, 2, 3, 1, 4}) {
    const auto add = [count](Backend& on, const Numbers& numbers) {
      for (int64_t i = 0; i < count; ++i) on.axpby(numbers.row(i), 2, numbers.row(4), 1);
    };
    add(*ops, without);
    ops->run_graph("several", [&] { add(*ops, with); });
    CHECK((with.read() == without.read()));
  }
}

TEST_CASE("to wait within a graph is an error that names what waits", "[training][graph]") {
  const auto ops = make_cuda_backend();
  const Numbers numbers(*ops);
  CHECK_THROWS_WITH(ops->run_graph("look", [&] { ops->synchronize(); }),
                    Catch::Contains("device.cuda") && Catch::Contains("[synchronize]"));
  ops->zero(numbers.row(1));  // the device goes on
  CHECK(numbers.read()[kSize + 1] == 0);
}

TEST_CASE("the seconds of work on a GPU are its own", "[training][graph]") {
  const auto ops = make_cuda_backend();
  const Buffer memory(*ops, size_t{64} << 20);
  const Tensor large(memory.data(), DType::F32, {int64_t{16} << 20});
  const double none = cuda_seconds_of(*ops, [] {});
  const double some = cuda_seconds_of(*ops, [&] { ops->zero(large); });
  CHECK(none >= 0);
  CHECK(some > none);
}

}  // namespace causeway
