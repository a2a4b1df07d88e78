// See kernel_bench.h.
#include "train/bench/kernel_bench.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/cases/case_tensors.h"
#include "core/error.h"
#include "train/bench/naive.h"
#include "train/bench/roof.h"

namespace causeway {
namespace {

constexpr int64_t kRepeat = 1 << 16;      // elements before a fill repeats
constexpr double kSampleSeconds = 0.015;  // of a row in one round

/// A run measures on for at most so many times its rounds.
constexpr int kMostTimes = 4;

/// One row while it is measured.
struct Entry {
  BenchRow row;
  Step step;
  std::shared_ptr<CaseTensors> tensors;  // of a case's forward and backward
  std::vector<std::string> results;      // names of what the step writes for others
  Step::Run rival;
  std::vector<double> shares;
};

/// What the entry's step writes for others to read.
std::vector<double> results(const Entry& entry) {
  std::vector<double> values;
  for (const std::string& name : entry.results) {
    const std::vector<double> more = entry.tensors->values(name);
    values.insert(values.end(), more.begin(), more.end());
  }
  return values;
}

/// Nothing is timed that computes something else.
void require_agreement(Backend& ops, const Entry& entry) {
  const std::vector<double> own = results(entry);
  entry.rival(ops, *entry.tensors);
  const std::vector<double> other = results(entry);
  double largest = 0, difference = 0;
  for (size_t i = 0; i < own.size(); ++i) {
    largest = std::max(largest, std::abs(own[i]));
    difference = std::max(difference, std::abs(own[i] - other[i]));
  }
  // bf16: four units in the last place of the largest.
  const double allowed = entry.row.dtype == dtype_name(DType::BF16) ? 1.0 / 64 : 1e-3;
  if (difference <= allowed * largest) return;  // NaN fails too
  throw Error({.id = "bench.disagree",
               .where = entry.row.name,
               .what = fmt::format("the rival's result differs by {:.3g}, of numbers up to {:.3g}",
                                   difference, largest),
               .remedy = "the operation or its rival is wrong: run the tests of this build"});
}

/// The same step by others, in the same memory and waited for; nothing where they have none.
class Rivals {
 public:
  explicit Rivals(const KernelBench& bench) : bench_(bench) {
    TrainConfig cudnn;
    cudnn.attention_kernel = AttentionKernel::Cudnn;
    if (bench.rival == Rival::Cudnn) cudnn_ = make_runtime(DeviceChoice::Cuda, cudnn);
  }

  std::string name() const { return cudnn_.backend ? "cuDNN" : "naive"; }

  Step::Run forward(const std::string& op, const OpCase& c, DType dtype) const {
    if (bench_.rival == Rival::Naive && dtype == DType::F32)
      return naive_forward(op, c, bench_.sizes);
    return on_cudnn(op, c.forward, dtype);
  }
  Step::Run backward(const std::string& op, const OpCase& c, DType dtype) const {
    return on_cudnn(op, c.backward, dtype);
  }

 private:
  Step::Run on_cudnn(const std::string& op, const Step& step, DType dtype) const {
    if (!cudnn_.backend || op != "attention" || dtype != DType::BF16) return {};
    return [this, run = step.run](Backend&, const CaseTensors& t) {
      run(*cudnn_.backend, t);
      cudnn_.backend->synchronize();
    };
  }

  const KernelBench& bench_;
  Runtime cudnn_;
};

void add_entries(std::vector<Entry>& entries, Backend& ops, const KernelBench& bench,
                 const Rivals& rivals, DType dtype, const std::string& op) {
  const Precision precision{.act = dtype};
  for (const OpCase& c : kernel_cases(op, bench.sizes)) {
    auto tensors = std::make_shared<CaseTensors>(
        ops, c,
        CaseTensors::Options{.precision = precision, .rounding = precision, .repeat = kRepeat});
    const auto add = [&](const Step& step, const char* direction, Role written, Step::Run rival) {
      if (!step) return;
      entries.push_back({.row = {.name = c.name + direction,
                                 .dtype = std::string(dtype_name(dtype)),
                                 .flops = step.flops,
                                 .bytes = bytes(c, step, precision)},
                         .step = step,
                         .tensors = tensors,
                         .results = {},
                         .rival = std::move(rival)});
      for (const TensorSpec& spec : c.tensors)
        if (spec.role == written) entries.back().results.push_back(spec.name);
      if (step.stage) step.stage(ops, *tensors);
      step.run(ops, *tensors);  // makes plans and touches all memory
      if (entries.back().rival) require_agreement(ops, entries.back());
    };
    add(c.forward, c.backward ? " forward" : "", Role::Output, rivals.forward(op, c, dtype));
    add(c.backward, " backward", Role::Gradient, rivals.backward(op, c, dtype));
  }
}

void measure(Entry& entry, Stopwatch& stopwatch, Backend& ops, const Roof& roof) {
  const auto stage = [&] {
    if (entry.step.stage) entry.step.stage(ops, *entry.tensors);
  };
  const double seconds = stopwatch.sample(
      kSampleSeconds, [&] { entry.step.run(ops, *entry.tensors); }, stage);
  entry.row.rounds.push_back(seconds);
  entry.shares.push_back(roof.seconds(entry.row.flops, entry.row.bytes) / seconds);
}

BenchRow finished(Entry& entry, const std::string& rival, Stopwatch& stopwatch, Backend& ops,
                  const Roof& roof) {
  entry.row.seconds = spread_of(entry.row.rounds);
  entry.row.share = spread_of(entry.shares);
  entry.row.bound = roof.bound(entry.row.flops, entry.row.bytes);
  if (entry.rival) {
    entry.row.rival = rival;
    entry.row.rival_seconds =
        stopwatch.sample(kSampleSeconds, [&] { entry.rival(ops, *entry.tensors); });
  }
  return entry.row;
}

/// What is measured in one dtype.
struct Part {
  std::string dtype;
  RoofTimer timer;
  std::vector<Entry> entries;
};

std::vector<Part> parts_of(const Runtime& runtime, const KernelBench& bench, const Rivals& rivals) {
  std::vector<Part> parts;
  for (const DType dtype : bench.dtypes) {
    parts.push_back({std::string(dtype_name(dtype)), RoofTimer(runtime, dtype), {}});
    for (const std::string& op : bench.ops)
      add_entries(parts.back().entries, *runtime.backend, bench, rivals, dtype, op);
  }
  return parts;
}

Roof middle(const std::vector<Roof>& roofs) {
  std::vector<double> flops, bytes;
  for (const Roof& roof : roofs) flops.push_back(roof.flops), bytes.push_back(roof.bytes);
  return {.flops = median(flops), .bytes = median(bytes)};
}

}  // namespace

void run_kernels(const Runtime& runtime, const KernelBench& bench, BenchReport& report) {
  Backend& ops = *runtime.backend;
  const Rivals rivals(bench);
  Stopwatch stopwatch(runtime, bench.caches);
  std::vector<Part> parts = parts_of(runtime, bench, rivals);
  std::vector<Roof> all;
  const auto wanted = [&](int round) {
    return round < bench.rounds ||
           (round < kMostTimes * bench.rounds && bench.more && bench.more(report.round_roofs));
  };
  for (int round = 0; wanted(round); ++round)
    for (Part& part : parts) {
      const Roof roof = all.emplace_back(part.timer.measure());
      report.round_roofs[part.dtype].push_back(roof);
      for (Entry& entry : part.entries) measure(entry, stopwatch, ops, roof);
    }
  for (Part& part : parts) {
    const Roof roof = middle(report.round_roofs[part.dtype]);
    for (Entry& entry : part.entries)
      report.rows.push_back(finished(entry, rivals.name(), stopwatch, ops, roof));
    report.roofs.emplace_back(part.dtype + " matmul", roof.flops);
  }
  report.roofs.emplace_back("copy", middle(all).bytes);
}

}  // namespace causeway
