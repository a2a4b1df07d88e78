// Runs that do not fit are refused, in the terms of whoever lends the memory. Read next:
// train/plan.h.
#include "train/plan.h"

#include "core/config_load.h"
#include "core/config_validate.h"
#include "core/cpu/backend.h"
#include "core/error.h"
#include "train/predict.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"
#include "tests/error_of.h"

namespace causeway::test {
namespace {

using Catch::Contains;

Config large_batches() {
  Config config = load_config_text(
      "run: {name: r}\ndata: {source: t, tokenizer: char}\n"
      "model: {n_layer: 2, n_head: 2, n_embd: 64, block_size: 64, vocab_size: 512}\n"
      "train: {max_steps: 1, global_batch_size: 64, micro_batch_size: 32}\n",
      "test");
  resolve(config);
  return config;
}

MemoryPlan plan_of(const Config& config, int ranks) {
  Model model(config.model, config.train.recompute);
  return plan_memory(config, model, nullptr, ranks);
}

}  // namespace

TEST_CASE("what a device cannot lend is refused by category, with settings that fit") {
  const Config config = large_batches();
  const MemoryPlan plan = plan_of(config, 2);
  const MemoryOffer offer{.bytes = static_cast<int64_t>(plan.total / 2),
                          .whose = "the GPU (NVIDIA H200)"};
  const ErrorInfo info = error_of([&] { refuse_if_too_large(plan, config, 2, offer); });
  CHECK(info.id == "memory.plan");
  CHECK_THAT(info.what, Contains("each rank of this run needs") &&
                            Contains("of which the GPU (NVIDIA H200) has") &&
                            Contains("free for each") && Contains("\n  state ") &&
                            Contains("\n  activations "));
  CHECK_THAT(info.remedy, Contains("this fits, in ") && Contains("train.grad_lanes=2"));
  // The advice holds: the settings it names are not refused.
  Config smaller = config;
  int64_t micro = 0;
  const size_t at = info.remedy.find("train.micro_batch_size=");
  REQUIRE(at != std::string::npos);
  micro = std::stoll(info.remedy.substr(at + std::string("train.micro_batch_size=").size()));
  smaller.train.micro_batch_size = micro, smaller.train.grad_lanes = 2;
  if (info.remedy.find("recompute=mlp") != std::string::npos)
    smaller.train.recompute = Recompute::Mlp;
  if (info.remedy.find("recompute=block") != std::string::npos)
    smaller.train.recompute = Recompute::Block;
  refuse_if_too_large(plan_of(smaller, 2), smaller, 2, offer);
}

TEST_CASE("what fits is not refused, nor what nobody can tell") {
  const Config config = large_batches();
  const MemoryPlan plan = plan_of(config, 1);
  refuse_if_too_large(plan, config, 1,
                      {.bytes = static_cast<int64_t>(plan.total), .whose = "this machine"});
  refuse_if_too_large(plan, config, 1, {});
  CHECK(error_of([&] {
          refuse_if_too_large(plan, config, 1,
                              {.bytes = static_cast<int64_t>(plan.total) - 1, .whose = "it"});
        }).id == "memory.plan");
}

TEST_CASE("a model that no batch makes fit is told so, and what takes less state") {
  Config config = large_batches();
  const auto remedy = [&] {
    return error_of([&] {
             refuse_if_too_large(plan_of(config, 1), config, 1, {.bytes = 1000, .whose = "it"});
           })
        .remedy;
  };
  const std::string advice = "no batch size makes this model fit here: choose a smaller one";
  CHECK(remedy() == advice + ", or train.precision=bf16");
  config.train.precision = PrecisionChoice::Bf16;
  CHECK(remedy() == advice + ", or train.master_weights=false");
  config.train.master_weights = false;
  CHECK(remedy() == advice);
}

TEST_CASE("without master weights a plan is smaller by four bytes for each parameter") {
  Config config = large_batches();
  config.train.precision = PrecisionChoice::Bf16;
  const size_t with = plan_of(config, 1).total;
  config.train.master_weights = false;
  const Model model(config.model, config.train.recompute);
  CHECK(with - plan_of(config, 1).total == 4 * static_cast<size_t>(model.params().flat_size()));
}

TEST_CASE("small steps are tried only where the memory on offer holds them, and quickly") {
  const Config config = large_batches();
  const auto ops = make_cpu_backend();
  const auto possible = [&](int64_t bytes, double flops) {
    return can_try(*ops, config, flops, {.bytes = bytes, .whose = "this machine"});
  };
  const int64_t whole = 3 * static_cast<int64_t>(plan_of(config, 1).total);  // three, all smaller
  CHECK(possible(whole, 1e9));
  CHECK_FALSE(possible(whole / 12, 1e9));
  CHECK_FALSE(possible(whole, 1e3));
  CHECK(possible(0, 1e9));  // nobody can tell
}

}  // namespace causeway::test
