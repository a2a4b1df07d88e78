// The one header through which kernel files see CUDA: under nvcc it means CUDA, under g++ or
// clang++ our emulation, which runs each CUDA thread as a fiber on the CPU (docs/simt.md). Kernel
// files include only this header, sm90.cuh and each other; they hold no inline assembly, no
// <<<>>>, no __CUDA_ARCH__ and no bare __shared__. Read next: ptx.cuh.
#pragma once
#include <cstddef>
#include <cstdint>

namespace causeway::cuda {
/// A block has 48 KiB of shared memory, static arrays included, and more where its launch asks for
/// it: from here on, which leaves the static ones their part.
constexpr size_t kSharedUnasked = 40 * 1024;
/// Whether a launch with so much dynamic shared memory asks for it.
constexpr bool asks_for_shared(size_t bytes) { return bytes > kSharedUnasked; }
}  // namespace causeway::cuda

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_runtime.h>

/// A static array in shared memory: KSHARED(float, tile, [32][33]);
#define KSHARED(T, name, dims) __shared__ T name dims
/// Dynamic shared memory as `unsigned char* name`, 1024-byte aligned: KDYN_SHARED(smem);
#define KDYN_SHARED(name) extern __shared__ __align__(1024) unsigned char name[]
/// A tensor map handed to a kernel by value: const KGRID_CONSTANT TensorMap map.
#define KGRID_CONSTANT __grid_constant__

namespace causeway::cuda {

/// Runs kernel(args...) on `stream`, with `smem` bytes of dynamic shared memory. Asynchronous. A
/// launch that failed is returned and stays with the runtime for the next cudaGetLastError().
template <class... P, class... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t smem, cudaStream_t stream,
                   A&&... args) {
  if (asks_for_shared(smem)) {
    const cudaError_t error = cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(smem));
    if (error != cudaSuccess) return error;
  }
  kernel<<<grid, block, smem, stream>>>(static_cast<P>(args)...);
  return cudaPeekAtLastError();
}

}  // namespace causeway::cuda
#else
#include "tests/simt/simt.h"
#endif

#include "cuda/ptx.cuh"

namespace causeway::cuda {

constexpr unsigned kFullMask = 0xffffffffu;

/// Over the 32 lanes of a warp, in all of them; the order of the sum is fixed.
__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) x += __shfl_xor_sync(kFullMask, x, o);
  return x;
}
__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) x = fmaxf(x, __shfl_xor_sync(kFullMask, x, o));
  return x;
}

}  // namespace causeway::cuda
