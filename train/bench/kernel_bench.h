// Times operations from the tests' own cases, in rounds with the machine's roof. Read next:
// report.h (what comes out), kernel_cases.h (what goes in).
#pragma once
#include <functional>

#include "core/cases/case_tensors.h"
#include "train/bench/kernel_cases.h"
#include "train/bench/report.h"

namespace causeway {

enum class Rival : uint8_t { None, Naive, Cudnn };

struct KernelBench {
  std::vector<std::string> ops;  ///< names of kernel_ops()
  KernelSizes sizes;
  std::vector<DType> dtypes;
  int rounds = 15;
  /// Asked after `rounds` of them: whether the roofs so far call for one more. At most four times
  /// as many are measured.
  std::function<bool(const RoundRoofs&)> more;
  Caches caches = Caches::Cold;
  Rival rival = Rival::None;
};

/// Nothing is timed that computes something else: throws Error "bench.disagree" unless `rival`
/// writes all of the `results` as they stand in `tensors`, to `allowed` times the largest of each.
void require_agreement(Backend& ops, const std::string& where, CaseTensors& tensors,
                       const std::vector<std::string>& results, const Step::Run& rival,
                       double allowed);

/// Rows of every operation, forward and backward, in every dtype. Each round measures, for every
/// dtype, the roof and then every row once: a row's rounds are spread over the whole run, and the
/// roof tells what the machine was like in each. Times and shares are medians over the rounds.
/// Throws Error "bench.disagree" when a rival computes something else, "memory.bench" where the
/// device lacks the memory; as make_runtime() for Rival::Cudnn, of attention in bf16.
void run_kernels(const Runtime& runtime, const KernelBench& bench, BenchReport& report);

}  // namespace causeway
