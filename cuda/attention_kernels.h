// Whose kernels compute attention: our own or cuDNN's, chosen once, when the backend is made. Read
// next: attention.h (ours), attention_cudnn.cpp.
#pragma once
#include <cuda_runtime_api.h>

#include <memory>

#include "core/attention_kernel.h"
#include "core/backend.h"

namespace causeway::cuda {

/// Arguments have passed check(op) of core/ops_check.h and are f32 or bf16.
class AttentionKernels {
 public:
  virtual ~AttentionKernels() = default;

  /// Makes what a run of `op` needs beforehand; bytes of scratch that it wants. Throws Error
  /// "op.unsupported" for what these kernels do not have.
  virtual size_t prepare(const AttentionForward& op) = 0;
  virtual size_t prepare(const AttentionBackward& op) = 0;

  /// Asynchronous on `stream`; `scratch`, 16-byte aligned, is in use until the stream is done.
  virtual void forward(const AttentionForward& op, void* scratch, cudaStream_t stream) = 0;
  virtual void backward(const AttentionBackward& op, void* scratch, cudaStream_t stream) = 0;
};

/// For the thread's device (use_device() of runtime.h). Throws Error "device.no_cudnn" where cuDNN
/// is chosen and this build or this machine lacks it.
std::unique_ptr<AttentionKernels> make_attention_kernels(AttentionKernel whose);

/// `capability`: the device's, as device_capability() of runtime.h gives it; 0: prepares only.
std::unique_ptr<AttentionKernels> make_own_attention(int capability);

/// cuDNN's, always with its deterministic backward; bf16, heads of whole 8s, causal, with or
/// without a window. Plans are made once per layout and options, and kept. It trains; where queries
/// go on from cached keys, each new length would be a new plan, so `own` generates. Errors:
/// "device.cudnn" when cuDNN fails; as make_attention_kernels(). attention_cudnn.cpp,
/// attention_cudnn_absent.cpp.
std::unique_ptr<AttentionKernels> make_cudnn_attention(std::unique_ptr<AttentionKernels> own);

}  // namespace causeway::cuda
