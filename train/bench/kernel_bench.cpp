// See kernel_bench.h.
#include "train/bench/kernel_bench.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/error.h"
#include "train/bench/naive.h"
#include "train/bench/roof.h"

namespace causeway {
namespace {

constexpr int64_t kRepeat = 1 << 16;      // elements before a fill repeats
constexpr double kSampleSeconds = 0.015;  // of a row in one round
constexpr double kFarBehind = 10;         // times ours: a rival so slow is measured once

/// A run measures on for at most so many times its rounds.
constexpr int kMostTimes = 4;

/// One row while it is measured.
struct Entry {
  BenchRow row;
  Step step;
  std::shared_ptr<CaseTensors> tensors;  // of a case's forward and backward
  std::vector<std::string> results;      // names of what the step writes for others
  Step::Run rival;
  std::vector<double> shares, rival_rounds;
};

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
      const Entry& entry = entries.back();
      // bf16: four units in the last place of the largest.
      if (entry.rival)
        require_agreement(ops, entry.row.name, *tensors, entry.results, entry.rival,
                          dtype == DType::BF16 ? 1.0 / 64 : 1e-3);
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
      kSampleSeconds, [&] { entry.step.run(ops, *entry.tensors); }, entry.tensors->storage(),
      stage);
  entry.row.rounds.push_back(seconds);
  entry.shares.push_back(roof.seconds(entry.row.flops, entry.row.bytes) / seconds);
  std::vector<double>& rival = entry.rival_rounds;
  if (entry.rival && (rival.empty() || rival.front() < kFarBehind * seconds))
    rival.push_back(stopwatch.sample(
        kSampleSeconds, [&] { entry.rival(ops, *entry.tensors); }, entry.tensors->storage(),
        stage));
}

BenchRow finished(Entry& entry, const std::string& rival, const Roof& roof) {
  entry.row.seconds = spread_of(entry.row.rounds);
  entry.row.share = spread_of(entry.shares);
  entry.row.bound = roof.bound(entry.row.flops, entry.row.bytes);
  if (entry.rival) {
    entry.row.rival = rival;
    entry.row.rival_seconds = median(entry.rival_rounds);
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

/// Every tensor of the rows lives until all rounds are done; the largest once more, on its
/// way to the device. In double: extents are given by hand, and their products know no bound.
double bytes_needed(const KernelBench& bench, DType dtype) {
  const Precision precision{.act = dtype};
  double all = 0, largest = 0;
  for (const std::string& op : bench.ops)
    for (const OpCase& c : kernel_cases(op, bench.sizes))
      for (const TensorSpec& spec : c.tensors) {
        auto bytes = static_cast<double>(dtype_size(dtype_of_kind(spec.kind, precision)));
        for (const int64_t extent : spec.shape) bytes *= static_cast<double>(extent);
        largest = std::max(largest, bytes);
        if (spec.alias.empty()) all += bytes;
      }
  return all + largest;
}

void require_memory(const Runtime& runtime, const KernelBench& bench) {
  const MemoryOffer offer = memory_offer(runtime);
  double needed = 0;
  for (const DType dtype : bench.dtypes)
    needed += bytes_needed(bench, dtype) + RoofTimer::bytes_needed(runtime, dtype);
  if (offer.bytes <= 0 || needed <= static_cast<double>(offer.bytes)) return;
  throw Error({.id = "memory.bench",
               .where = fmt::format("--op {}", fmt::join(bench.ops, ",")),
               .what = fmt::format("their tensors and the roof's need {}, of which {} has {} free",
                                   format_bytes(needed), offer.whose,
                                   format_bytes(static_cast<double>(offer.bytes))),
               .remedy = "measure fewer operations at a time, or a smaller --shape or --batch"});
}

}  // namespace

void require_agreement(Backend& ops, const std::string& where, CaseTensors& tensors,
                       const std::vector<std::string>& results, const Step::Run& rival,
                       double allowed) {
  std::vector<std::vector<double>> own;
  for (const std::string& name : results) {
    own.push_back(tensors.values(name));
    tensors.set(name, std::vector<double>(own.back().size(), std::nan("")));
  }
  rival(ops, tensors);
  for (size_t r = 0; r < results.size(); ++r) {
    const std::vector<double> other = tensors.values(results[r]);
    double largest = 0;
    for (const double value : own[r]) largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < other.size(); ++i) {
      if (std::abs(own[r][i] - other[i]) <= allowed * largest) continue;  // NaN is no agreement
      throw Error({.id = "bench.disagree",
                   .where = where,
                   .what = fmt::format("element {} of {} is {:.6g} and the rival's {:.6g}, of "
                                       "numbers up to {:.3g}",
                                       i, results[r], own[r][i], other[i], largest),
                   .remedy = "the operation or its rival is wrong: run the tests of this build"});
    }
  }
}

void run_kernels(const Runtime& runtime, const KernelBench& bench, BenchReport& report) {
  require_memory(runtime, bench);
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
    for (Entry& entry : part.entries) report.rows.push_back(finished(entry, rivals.name(), roof));
    report.roofs.emplace_back(part.dtype + " matmul", roof.flops);
  }
  report.roofs.emplace_back("copy", middle(all).bytes);
}

}  // namespace causeway
