// The operations as a textbook writes them: plain loops over f32 on one CPU thread. They are the
// rival of `bench kernels --rival`, and the kernel that the bench must show as slow. Read next:
// kernel_bench.h.
#pragma once
#include "core/cases/case_tensors.h"
#include "train/bench/kernel_cases.h"

namespace causeway {

/// The forward of `c`, a case of `op` in `sizes`, or nothing where none is written: matmul,
/// attention without a window, norm, gelu and cross_entropy are. Reads and writes the case's own
/// tensors, in host memory, f32.
Step::Run naive_forward(const std::string& op, const OpCase& c, const KernelSizes& sizes);

}  // namespace causeway
