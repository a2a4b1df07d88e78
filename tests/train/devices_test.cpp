// What ranks choose from descriptions of their devices; no device is needed. Read next:
// train/devices.h.
#include "train/devices.h"

#include "core/error.h"
#include "train/runtime.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"
#include "tests/error_of.h"

namespace causeway::test {
namespace {

using Catch::Contains;

RankDevice gpu(const std::string& machine, const std::string& address,
               DeviceChoice wanted = DeviceChoice::Auto) {
  RankDevice device;
  device.wanted = wanted, device.machine = machine;
  device.gpu = "NVIDIA H200", device.address = address;
  return device;
}

RankDevice no_gpu(const std::string& machine, DeviceChoice wanted = DeviceChoice::Auto) {
  RankDevice device;
  device.wanted = wanted, device.machine = machine, device.why_not = "no driver";
  return device;
}

ErrorInfo refusal(const std::vector<RankDevice>& ranks) {
  return error_of([&] { choose_meeting(ranks); });
}

}  // namespace

TEST_CASE("ranks with a GPU each meet by NCCL, ranks without any on their CPUs") {
  CHECK(choose_meeting({gpu("a", "01")}) == Meeting::Gpus);
  CHECK(choose_meeting({gpu("a", "01"), gpu("a", "02"), gpu("b", "01"), gpu("b", "02")}) ==
        Meeting::Gpus);
  CHECK(choose_meeting({no_gpu("a"), no_gpu("b")}) == Meeting::Cpus);
  CHECK(choose_meeting({gpu("a", "01", DeviceChoice::Cpu), no_gpu("b", DeviceChoice::Cpu)}) ==
        Meeting::Cpus);
}

TEST_CASE("cuDNN's attention is refused where the choice falls on a CPU") {
  TrainConfig train;
  train.attention_kernel = AttentionKernel::Cudnn;
  const ErrorInfo info = error_of([&] { make_runtime(DeviceChoice::Cpu, train); });
  CHECK(info.id == "device.no_cudnn");
  CHECK(info.where == "train.attention_kernel: cudnn");
  CHECK_THAT(info.remedy, Contains("train.attention_kernel=own"));
}

TEST_CASE("a GPU on some ranks only is refused, naming the ranks without") {
  const ErrorInfo info = refusal({gpu("a", "01"), no_gpu("b"), gpu("c", "01"), no_gpu("d")});
  CHECK(info.id == "device.differs");
  CHECK_THAT(info.what, Contains("2 of 4 ranks found no GPU: ranks 1, 3 (b: no driver)"));
  CHECK_THAT(info.remedy, Contains("device: cpu"));
}

TEST_CASE("device: cuda is refused by all ranks where one has no GPU") {
  const auto cuda = DeviceChoice::Cuda;
  CHECK(refusal({gpu("a", "01", cuda), no_gpu("b", cuda)}).id == "device.missing");
  CHECK(refusal({no_gpu("a", cuda), no_gpu("b", cuda)}).id == "device.missing");
  CHECK_THAT(refusal({no_gpu("a", cuda)}).what, Contains("no driver"));
}

TEST_CASE("two ranks on one GPU are refused unless CAUSEWAY_STAGED is set on a rank") {
  std::vector<RankDevice> ranks{gpu("a", "01"), gpu("b", "01"), gpu("a", "01")};
  const ErrorInfo info = refusal(ranks);
  CHECK(info.id == "device.shared");
  CHECK(info.where == "a");
  CHECK_THAT(info.what, Contains("ranks 0, 2 would share one GPU (NVIDIA H200, 01)"));
  CHECK_THAT(info.remedy, Contains("CAUSEWAY_STAGED=1"));
  CHECK(ranks_on_gpu_of(ranks, 0) == 2);
  CHECK(ranks_on_gpu_of(ranks, 1) == 1);
  ranks[1].staged = true;
  CHECK(choose_meeting(ranks) == Meeting::StagedGpus);
}

TEST_CASE("ranks that were asked for different devices are refused") {
  const ErrorInfo info = refusal({gpu("a", "01"), gpu("b", "01", DeviceChoice::Cpu)});
  CHECK(info.id == "config.ranks_differ");
  CHECK_THAT(info.what, Contains("auto and cpu"));
}

TEST_CASE("torchrun's ranks need a GPU each, where each sees all of them") {
  const Launch eight{
      .launcher = Launcher::Torchrun, .rank = 0, .size = 8, .local_rank = 0, .local_size = 8};
  require_gpu_each(eight, 8, false);
  require_gpu_each(eight, 1, true);  // each was shown one of its own
  for (const int gpus : {1, 4}) {
    const ErrorInfo info = error_of([&] { require_gpu_each(eight, gpus, false); });
    CHECK(info.id == "device.shared");
    CHECK_THAT(info.remedy, Contains(fmt::format("--nproc-per-node {}", gpus)));
  }
}

TEST_CASE("a description survives its way to the others") {
  RankDevice device = gpu("a", "0000:3b:00", DeviceChoice::Cuda);
  device.staged = true, device.why_not = "\"\n";
  const RankDevice read = rank_device(to_bytes(device));
  CHECK(to_bytes(read) == to_bytes(device));
  CHECK(read.gpu == device.gpu);
  CHECK(read.staged);
}

TEST_CASE("CUDA graphs on a CPU are an error of the config") {
  TrainConfig train;
  train.cuda_graph = true;
  const ErrorInfo info = error_of([&] { make_runtime(DeviceChoice::Cpu, train); });
  CHECK(info.id == "config.cuda_graph");
  CHECK(info.where == "train.cuda_graph");
  CHECK_THAT(info.remedy, Contains("device: cuda"));
}

}  // namespace causeway::test
