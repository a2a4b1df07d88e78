// bench kernels: what is slow shows as slow, and nothing is timed that computes something else.
// Read next: bench_report_test.cpp, bench_verbs_test.cpp.
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "core/presets.h"
#include "tests/error_of.h"
#include "train/bench/kernel_bench.h"
#include "train/bench/roof.h"
#include "train/bench/timing.h"

#include "tests/catch.h"

using namespace causeway;
using namespace causeway::test;

namespace {

KernelBench tiny_bench(std::vector<std::string> ops) {
  KernelBench bench{.ops = std::move(ops), .dtypes = {DType::F32}, .rounds = 3};
  bench.sizes = {.B = 2, .T = 64, .C = 64, .H = 2, .K = 2, .D = 32, .F = 256, .V = 500, .n = 50000};
  return bench;
}

}  // namespace

TEST_CASE("plain loops show as slower than ours, and every row has a time and a share") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  KernelBench bench = tiny_bench(kernel_ops());
  bench.rival = Rival::Naive;
  BenchReport report;
  run_kernels(runtime, bench, report);
  int rivals = 0;
  for (const BenchRow& row : report.rows) {
    INFO(row.name);
    CHECK(row.seconds.median > 0);
    CHECK(row.share.median > 0);
    CHECK(row.rounds.size() == 3);
    CHECK(row.bytes > 0);
    if (row.rival.empty()) continue;
    ++rivals;
    // Five times as slow (norm) to fifty: these bounds leave room for a busy machine.
    CHECK(row.ratio() > (row.name.starts_with("norm") ? 1 : 3));
  }
  CHECK(rivals == 9);  // five products, attention, norm, gelu, the loss
  CHECK(report.round_roofs.at("f32").size() == 3);
  CHECK(report.roof("copy") > 0);
  CHECK(report.roof("f32 matmul") > 0);
}

TEST_CASE("rounds go on while they are asked for, but not for ever") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  KernelBench bench = tiny_bench({"norm"});
  BenchReport five, most;
  bench.more = [](const RoundRoofs& roofs) { return roofs.at("f32").size() < 5; };
  run_kernels(runtime, bench, five);
  CHECK(five.rows.at(0).rounds.size() == 5);
  bench.more = [](const RoundRoofs&) { return true; };
  run_kernels(runtime, bench, most);
  CHECK(most.rows.at(0).rounds.size() == 12);
}

TEST_CASE("cold caches are cold: a copy that fits them takes longer than with warm ones") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  constexpr int64_t kElements = 1 << 14;  // of 4 bytes: well within a second-level cache, one piece
  const Buffer from(*runtime.backend, 4 * kElements), to(*runtime.backend, 4 * kElements);
  const Tensor x(from.data(), DType::F32, {kElements}), y(to.data(), DType::F32, {kElements});
  const auto seconds = [&](Caches caches) {
    return Stopwatch(runtime, caches).sample(0.05, [&] { runtime.backend->copy(y, x); }, {x, y});
  };
  runtime.backend->zero(x);
  seconds(Caches::Warm);
  CHECK(seconds(Caches::Cold) > 1.5 * seconds(Caches::Warm));  // some five times
}

TEST_CASE("the roof's copy moves memory of its own, not the one page of zeros of what is fresh") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  const auto resident = [] {  // pages; the shared page of zeros is none
    int64_t size = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> size >> pages;
    return pages;
  };
  const int64_t before = resident();
  const RoofTimer roof(runtime, DType::F32);
  CHECK(static_cast<double>((resident() - before) * sysconf(_SC_PAGESIZE)) >=
        RoofTimer::kCopyBytes);
}

TEST_CASE("the yardstick is halved until it fits the memory that is free") {
  constexpr int64_t kMiB = 1 << 20;
  CHECK(square_within(8192, DType::BF16, 0).M == 8192);  // nobody knows
  CHECK(square_within(8192, DType::BF16, 384 * kMiB).M == 8192);
  CHECK(square_within(8192, DType::BF16, 384 * kMiB - 1).M == 4096);
  CHECK(square_within(8192, DType::F32, 384 * kMiB).M == 4096);
  CHECK(square_within(8192, DType::F32, 1).M == 256);
}

TEST_CASE("a rival that computes something else, NaN, a part or nothing is not timed") {
  const Runtime runtime = make_runtime(DeviceChoice::Cpu, {});
  Backend& ops = *runtime.backend;
  const OpCase c = kernel_cases("activation", tiny_bench({}).sizes).at(0);
  CaseTensors tensors(ops, c, {.precision = {}, .rounding = {}});
  const auto check = [&](const Step::Run& rival) {
    c.forward.run(ops, tensors);
    require_agreement(ops, c.name, tensors, {"y"}, rival, 1e-3);
  };
  CHECK_NOTHROW(check(c.forward.run));
  const auto changed = [&](size_t element, double value) {
    return [&, element, value](Backend& backend, const CaseTensors& same) {
      c.forward.run(backend, same);
      std::vector<double> y = same.values("y");
      y.at(element) = value;
      tensors.set("y", y);
    };
  };
  const Step::Run nothing = [](Backend&, const CaseTensors&) {};
  for (const Step::Run& wrong :
       {Step::Run(changed(3, 1e3)), Step::Run(changed(0, std::nan(""))), nothing})
    CHECK(error_of([&] { check(wrong); }).id == "bench.disagree");
}

TEST_CASE("every preset's operations have cases") {
  for (const std::string& name : preset_names()) {
    const KernelSizes sizes = KernelSizes::of(*find_preset(name), 1);
    for (const std::string& op : kernel_ops()) {
      if (op == "rope" && !sizes.rope) continue;
      for (const OpCase& c : kernel_cases(op, sizes)) CHECK(c.forward);
    }
  }
}

TEST_CASE("shapes by flag replace extents, and wrong ones are told what there is") {
  KernelSizes sizes = tiny_bench({}).sizes;
  sizes.replace("B=8,T=1024,H=12,D=64");
  CHECK(sizes.B == 8);
  CHECK(sizes.T == 1024);
  CHECK(sizes.K == 12);  // as many as heads, unless said otherwise
  sizes.replace("M=5,N=6,K=7");
  CHECK(kernel_cases("matmul", sizes).at(0).name == "matmul/matmul M=5 N=6 K=7 NT");
  for (const char* wrong :
       {"X=3", "B", "B=", "B=0", "B=-1", "B=1e3", "B=99999999999", "M=2", "", "H=3,K=2"})
    CHECK_THAT(to_string(error_of([&] { KernelSizes(sizes).replace(wrong); })),
               Catch::Contains("error[usage.shape]") && Catch::Contains("B T C H K D F V"));
  CHECK_THAT(to_string(error_of([&] { kernel_cases("conv", sizes); })),
             Catch::Contains("error[usage.op]") && Catch::Contains("cross_entropy"));
}
