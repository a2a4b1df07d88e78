// Hopper's instructions as functions: mbarriers, bulk tensor copies (TMA) and warpgroup matrix
// products (wgmma). The emulation's twins are in tests/simt/sm90.h. Build with
// -gencode arch=compute_90a,code=sm_90a. Source: PTX ISA, "mbarrier", "cp.async.bulk.tensor",
// "Asynchronous Warpgroup Level Matrix Instructions". Read next: wgmma.cuh, tensor_map.cuh.
#pragma once
#include "cuda/kernel_env.cuh"

#if defined(__CUDACC__)
#include <cuda.h>

namespace causeway::cuda {

using TensorMap = CUtensorMap;  ///< made by tensor_map_2d()

// ---- mbarrier: phases that end when `count` arrivals and the expected bytes are in

__device__ __forceinline__ void mbar_init(uint32_t bar, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;\n" ::"r"(bar), "r"(count) : "memory");
}
/// Makes initialised barriers visible to TMA; a __syncthreads follows.
__device__ __forceinline__ void mbar_init_fence() {
  asm volatile("fence.mbarrier_init.release.cluster;\n" ::: "memory");
}
__device__ __forceinline__ void mbar_arrive(uint32_t bar) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];\n" ::"r"(bar) : "memory");
}
/// Arrives, and lets the phase wait for `bytes` that copies will bring.
__device__ __forceinline__ void mbar_arrive_expect(uint32_t bar, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;\n" ::"r"(bar), "r"(bytes)
               : "memory");
}
/// Whether the phase of this parity (0 for the first, then alternating) has ended.
__device__ __forceinline__ bool mbar_test(uint32_t bar, uint32_t parity) {
  uint32_t done;
  asm volatile(
      "{\n.reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.u32 %0, 1, 0, p;\n}\n"
      : "=r"(done)
      : "r"(bar), "r"(parity)
      : "memory");
  return done != 0;
}
/// Waits for it.
__device__ __forceinline__ void mbar_wait(uint32_t bar, uint32_t parity) {
  while (!mbar_test(bar, parity)) {
  }
}

// ---- TMA: boxes of a 2-d bf16 tensor, in the map's swizzle

/// Starts reading the box at column x, row y into shared memory; outside of the tensor it reads
/// zeros. Its bytes, the whole box's, count on `bar`.
__device__ __forceinline__ void tma_load_2d(uint32_t dst, const TensorMap* map, uint32_t bar, int x,
                                            int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%3, %4}], [%2];\n" ::"r"(dst),
      "l"(map), "r"(bar), "r"(x), "r"(y)
      : "memory");
}
/// Starts writing the box at column x, row y from shared memory; what lies outside of the tensor is
/// left out. Needs fence_proxy_async() by those who wrote the memory.
__device__ __forceinline__ void tma_store_2d(const TensorMap* map, uint32_t src, int x, int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];\n" ::"l"(map),
      "r"(src), "r"(x), "r"(y)
      : "memory");
}
__device__ __forceinline__ void tma_store_commit() {
  asm volatile("cp.async.bulk.commit_group;\n" ::: "memory");
}
/// Waits until all but the newest N groups of this thread's stores have read shared memory.
template <int N>
__device__ __forceinline__ void tma_store_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;\n" ::"n"(N) : "memory");
}
/// Orders this thread's earlier writes to shared memory before later reads by TMA and wgmma.
__device__ __forceinline__ void fence_proxy_async() {
  asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
}

// ---- a warp's business

/// True in one lane of a converged warp.
__device__ __forceinline__ bool elect_one() {
  uint32_t elected;
  asm volatile("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.u32 %0, 1, 0, p;\n}\n"
               : "=r"(elected));
  return elected != 0;
}
/// Gives registers back, or asks for more: N per thread, a multiple of 8 in [24, 256]; by whole
/// warpgroups.
template <int N>
__device__ __forceinline__ void registers_lower() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;\n" ::"n"(N));
}
template <int N>
__device__ __forceinline__ void registers_raise() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;\n" ::"n"(N));
}

}  // namespace causeway::cuda
#else
#include "tests/simt/sm90.h"
#endif

#include "cuda/wgmma.cuh"
