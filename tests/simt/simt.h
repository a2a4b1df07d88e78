// CUDA as kernel files see it when g++ or clang++ compiles them: shared memory, launches, the
// built-in variables, and through the headers below the intrinsics. Test-only; reached through
// cuda/kernel_env.cuh. Everything runs on one OS thread, block after block: run test processes in
// parallel instead. Read next: engine.h, docs/simt.md.
#pragma once
#include <cuda_bf16.h>  // NVIDIA's headers are plain C++ to a host compiler; no library is needed
#include <cuda_runtime.h>

#include <tuple>

#include "tests/simt/engine.h"

#undef __shared__
#define __shared__ static_assert(false, "shared memory of kernels: KSHARED or KDYN_SHARED");
#undef __launch_bounds__
#define __launch_bounds__(...)
#define KGRID_CONSTANT

#define KSHARED(T, name, dims)                        \
  static const char name##_simt_tag = 0;              \
  using name##_simt_t = T dims;                       \
  name##_simt_t& name = *static_cast<name##_simt_t*>( \
      causeway::simt::shared_array(&name##_simt_tag, sizeof(name##_simt_t), #name))
#define KDYN_SHARED(name) unsigned char* const name = causeway::simt::shared_dynamic()

// Set by the engine before a thread runs on.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
constexpr int warpSize = 32;

namespace causeway::cuda {

/// Runs the kernel to its end when its stream comes to it; there simt::Error is thrown where it
/// breaks a rule.
template <class... P, class... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t smem, cudaStream_t stream,
                   A&&... args) {
  struct Call {
    void (*kernel)(P...);
    std::tuple<P...> arguments;
  };
  const auto address = reinterpret_cast<const void*>(kernel);
  const Call call{kernel, std::tuple<P...>(static_cast<P>(args)...)};
  simt::enqueue(stream, address, [grid, block, smem, address, call] {
    Call here = call;  // on the stack: from there the checks let a kernel read its arguments
    simt::run({.grid = grid,
               .block = block,
               .shared_bytes = smem,
               .asks_for_shared = asks_for_shared(smem),
               .body =
                   [](void* p) {
                     auto* c = static_cast<Call*>(p);
                     std::apply(c->kernel, c->arguments);
                   },
               .argument = &here,
               .kernel = address});
  });
  return cudaSuccess;
}

}  // namespace causeway::cuda

#include "tests/simt/intrinsics.h"
#include "tests/simt/ptx.h"
#include "tests/simt/warp.h"
