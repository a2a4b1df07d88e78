// cuDNN's attention, the rival of our own kernels: train.attention_kernel: cudnn. Free of cuDNN's
// types; a build without it has attention_cudnn_absent.cpp. Read next: docs/attention.md.
#pragma once
#include <cuda_runtime_api.h>

#include <memory>

#include "core/backend.h"

namespace causeway::cuda {

/// Plans are made once per shape, layout and options, and kept. bf16, causal, grouped heads and a
/// window; of what cuDNN has, always the deterministic backward. prepare() throws Error
/// "config.attention_kernel" for anything else, "device.cudnn" when cuDNN fails.
class CudnnAttention {
 public:
  /// Throws Error "device.no_cudnn" where this build or this machine lacks cuDNN.
  CudnnAttention();
  ~CudnnAttention();

  /// Makes the plan; bytes of workspace that a run of it wants.
  size_t prepare(const AttentionForward& op);
  size_t prepare(const AttentionBackward& op);

  /// Asynchronous on `stream`; `workspace` is in use until the stream is done.
  void forward(const AttentionForward& op, void* workspace, cudaStream_t stream);
  void backward(const AttentionBackward& op, void* workspace, cudaStream_t stream);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace causeway::cuda
