// Every product backend against the double reference, case by case. Read next: tolerance.h,
// complex_step.h, core/cases/op_case.h.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/cases/op_case.h"

namespace causeway {

struct NamedBackend {
  std::string name;
  std::unique_ptr<Backend> backend;
};

/// The backends a user may run on, made once: the CPU under every instruction set this machine has
/// (product_backends.cpp), or the CUDA backend, emulated (tests/simt) or on a GPU (tests/gpu).
const std::vector<NamedBackend>& product_backends();

/// Runs every case in every precision on every backend given, and requires of forward and backward,
/// each on inputs rounded to the tested dtype and (backward) on what the reference's forward saved:
///   - written tensors agree with the reference within tolerance();
///   - read tensors are unchanged, unless the case lets an output share their memory;
///   - nothing around a tensor is written; nothing there is read, since it is NaN.
void require_agreement(const std::vector<OpCase>& cases,
                       const std::vector<NamedBackend>& backends = product_backends(),
                       const std::vector<PrecisionChoice>& precisions = {PrecisionChoice::Fp32,
                                                                         PrecisionChoice::Bf16});

}  // namespace causeway
