// The CPU backend as the rest of the program sees it. Read next: cpu_backend.h (the class),
// pool.h (how work is shared out), kernels.h (what is compiled once per instruction set).
#pragma once
#include <memory>
#include <string>

#include "core/backend.h"

namespace causeway {

struct CpuOptions {
  int threads = 0;  ///< 0: one per CPU this process may use
  /// "avx512+amx" | "avx512+bf16" | "avx512" | "avx2" | "baseline": at most that; "": the best this
  /// CPU has. Throws Error "device.isa" for another word or when the CPU lacks it.
  std::string isa = {};
};

/// What make_cpu_backend would choose, or what a backend has chosen.
struct CpuInfo {
  std::string isa;           ///< as in CpuOptions
  int threads = 1;           ///< including the caller's
  bool native_bf16 = false;  ///< bf16 products run in hardware; else operands are widened to f32
};
CpuInfo cpu_info(const CpuOptions& options = {});

/// One caller at a time; its operations are done when they return. Same bits for any number of
/// threads. After prepare() or the first call of a shape, operations allocate nothing themselves.
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options = {});

}  // namespace causeway
