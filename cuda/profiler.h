// Names in a profiler's timeline (Nsight Systems, docs/gpu.md). Two files implement it:
// profiler.cpp by NVTX, which costs a branch where no profiler listens, and
// tests/simt/host_runtime.cpp, where there is none. Read next: backend.cpp (operations), backend.h
// (show_cuda_phase).
#pragma once

namespace causeway::cuda {

/// What this thread does within a scope.
class Range {
 public:
  explicit Range(const char* name);
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range();
};

}  // namespace causeway::cuda
