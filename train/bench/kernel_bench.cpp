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

/// One row while it is measured.
struct Entry {
  BenchRow row;
  Step step;
  std::shared_ptr<CaseTensors> tensors;  // of a case's forward and backward
  Step::Run rival;
  std::vector<double> seconds, shares;
};

void add_entries(std::vector<Entry>& entries, Backend& ops, const KernelBench& bench, DType dtype,
                 const std::string& op) {
  const Precision precision{.act = dtype};
  for (const OpCase& c : kernel_cases(op, bench.sizes)) {
    auto tensors = std::make_shared<CaseTensors>(
        ops, c,
        CaseTensors::Options{.precision = precision, .rounding = precision, .repeat = kRepeat});
    const auto add = [&](const Step& step, const char* direction) {
      if (!step) return;
      entries.push_back({.row = {.name = c.name + direction,
                                 .dtype = std::string(dtype_name(dtype)),
                                 .flops = step.flops,
                                 .bytes = bytes(c, step, precision)},
                         .step = step,
                         .tensors = tensors});
      if (step.stage) step.stage(ops, *tensors);
      step.run(ops, *tensors);  // makes plans and touches all memory
    };
    add(c.forward, c.backward ? " forward" : "");
    Entry& forward = entries.back();
    if (bench.rival == Rival::Naive && dtype == DType::F32)
      forward.rival = naive_forward(op, c, bench.sizes);
    if (forward.rival) require_agreement(ops, c, *tensors, forward.rival);
    add(c.backward, " backward");
  }
}

void measure(Entry& entry, Stopwatch& stopwatch, Backend& ops, const Roof& roof) {
  const auto stage = [&] {
    if (entry.step.stage) entry.step.stage(ops, *entry.tensors);
  };
  const double seconds = stopwatch.sample(
      kSampleSeconds, [&] { entry.step.run(ops, *entry.tensors); }, stage);
  entry.seconds.push_back(seconds);
  entry.shares.push_back(roof.seconds(entry.row.flops, entry.row.bytes) / seconds);
}

BenchRow finished(Entry& entry, Stopwatch& stopwatch, Backend& ops, const Roof& roof) {
  entry.row.seconds = spread_of(entry.seconds);
  entry.row.share = spread_of(entry.shares);
  entry.row.bound = roof.bound(entry.row.flops, entry.row.bytes);
  if (entry.rival) {
    entry.row.rival = "naive";
    entry.row.rival_seconds =
        stopwatch.sample(kSampleSeconds, [&] { entry.rival(ops, *entry.tensors); });
  }
  return entry.row;
}

const char* output_of(const OpCase& c) {
  for (const char* name : {"y", "o", "loss"})
    if (c.find(name)) return name;
  CHECK(false, "no output to compare of {}", c.name);
  return nullptr;
}

/// Every tensor of a dtype's rows lives until all rounds are done; the largest once more, on its
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

void require_memory(const KernelBench& bench, const MemoryOffer& offer) {
  double needed = 0;
  for (const DType dtype : bench.dtypes) needed = std::max(needed, bytes_needed(bench, dtype));
  if (offer.bytes <= 0 || needed <= static_cast<double>(offer.bytes)) return;
  throw Error(
      {.id = "memory.bench",
       .where = fmt::format("--op {}", fmt::join(bench.ops, ",")),
       .what = fmt::format("their tensors need {}, of which {} has {} free", format_bytes(needed),
                           offer.whose, format_bytes(static_cast<double>(offer.bytes))),
       .remedy = "measure fewer operations at a time, or a smaller --shape or --batch"});
}

}  // namespace

void require_agreement(Backend& ops, const OpCase& c, CaseTensors& tensors,
                       const Step::Run& rival) {
  const char* const output = output_of(c);
  const std::vector<double> own = tensors.values(output);
  double largest = 0;
  for (const double value : own) largest = std::max(largest, std::abs(value));
  tensors.set(output, std::vector<double>(own.size(), std::nan("")));
  rival(ops, tensors);
  const std::vector<double> other = tensors.values(output);
  for (size_t i = 0; i < own.size(); ++i) {
    if (std::abs(own[i] - other[i]) <= 1e-3 * largest) continue;  // NaN is no agreement
    throw Error({.id = "bench.disagree",
                 .where = c.name,
                 .what = fmt::format("element {} is {:.6g} and the rival's {:.6g}, of numbers up "
                                     "to {:.3g}",
                                     i, own[i], other[i], largest),
                 .remedy = "the operation or its rival is wrong: run the tests of this build"});
  }
}

void run_kernels(const Runtime& runtime, const KernelBench& bench, BenchReport& report) {
  require_memory(bench, memory_offer(runtime));
  Backend& ops = *runtime.backend;
  std::vector<double> copies;
  for (const DType dtype : bench.dtypes) {
    RoofTimer roof_timer(runtime, dtype);
    Stopwatch stopwatch(runtime, bench.caches);
    std::vector<Entry> entries;
    for (const std::string& op : bench.ops) add_entries(entries, ops, bench, dtype, op);
    std::vector<double> rates;
    for (int round = 0; round < bench.rounds; ++round) {
      const Roof roof = roof_timer.measure();
      rates.push_back(roof.flops), copies.push_back(roof.bytes);
      for (Entry& entry : entries) measure(entry, stopwatch, ops, roof);
    }
    const Roof roof{.flops = median(rates), .bytes = median(copies)};
    for (Entry& entry : entries) report.rows.push_back(finished(entry, stopwatch, ops, roof));
    report.roofs.emplace_back(fmt::format("{} matmul", dtype_name(dtype)), roof.flops);
  }
  report.roofs.emplace_back("copy", median(copies));
}

}  // namespace causeway
