// Times operations from the tests' own cases, in rounds with the machine's roof. Read next:
// report.h (what comes out), kernel_cases.h (what goes in).
#pragma once
#include "core/cases/case_tensors.h"
#include "train/bench/kernel_cases.h"
#include "train/bench/report.h"

namespace causeway {

enum class Rival : uint8_t { None, Naive };

struct KernelBench {
  std::vector<std::string> ops;  ///< names of kernel_ops()
  KernelSizes sizes;
  std::vector<DType> dtypes;
  int rounds = 9;
  Caches caches = Caches::Cold;
  Rival rival = Rival::None;
};

/// Nothing is timed that computes something else: throws Error "bench.disagree" unless `rival`
/// writes the whole output that the forward has written into `tensors`, to 1e-3 of its largest.
void require_agreement(Backend& ops, const OpCase& c, CaseTensors& tensors, const Step::Run& rival);

/// Rows of every operation, forward and backward, in every dtype. Each round measures the roof and
/// then every row once, so that a noisy machine disturbs all alike; shares of the roof are medians
/// over the rounds. Throws Error "bench.disagree" when a rival computes something else,
/// "memory.bench" where the device lacks the memory.
void run_kernels(const Runtime& runtime, const KernelBench& bench, BenchReport& report);

}  // namespace causeway
