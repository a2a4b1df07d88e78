// A demonstration for the emulation's own tests: C = A · Bᵀ by TMA, mbarriers and wgmma, one warp
// loading into a ring of stages, one warpgroup multiplying.
#pragma once
#include "cuda/sm90.cuh"

namespace causeway::test {

using namespace causeway::cuda;

constexpr int kDemoStages = 3, kDemoTileBytes = 64 * 64 * 2, kDemoThreads = 160;
constexpr int kDemoBarriers = kDemoStages * 2 * kDemoTileBytes;
constexpr int kDemoSharedBytes = kDemoBarriers + 2 * 8 * kDemoStages;

/// c (M, N) f32 written · a (M, K), b (N, K) bf16, in boxes of 64 × 64. Grid (N / 64, M / 64).
__global__ void __launch_bounds__(kDemoThreads)
    demo_gemm_kernel(float* c, const KGRID_CONSTANT TensorMap a, const KGRID_CONSTANT TensorMap b,
                     int n, int k) {
  KDYN_SHARED(smem);
  const uint32_t base = smem_u32(smem);
  const auto tile = [&](int i) { return base + i % kDemoStages * 2 * kDemoTileBytes; };
  const auto full = [&](int i) { return base + kDemoBarriers + 8 * (i % kDemoStages); };
  const auto empty = [&](int i) { return full(i) + 8 * kDemoStages; };
  const auto parity = [&](int i) { return static_cast<uint32_t>(i / kDemoStages & 1); };
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, steps = k / 64;
  if (threadIdx.x == 0) {
    for (int s = 0; s < kDemoStages; ++s) mbar_init(full(s), 1), mbar_init(empty(s), 4);
    mbar_init_fence();
  }
  __syncthreads();
  if (warp == 4) {
    for (int i = 0; lane == 0 && i < steps; ++i) {
      if (i >= kDemoStages) mbar_wait(empty(i), parity(i - kDemoStages));
      mbar_arrive_expect(full(i), 2 * kDemoTileBytes);
      tma_load_2d(tile(i), &a, full(i), i * 64, blockIdx.y * 64);
      tma_load_2d(tile(i) + kDemoTileBytes, &b, full(i), i * 64, blockIdx.x * 64);
    }
    return;
  }
  float d[32] = {};
  for (int i = 0; i < steps; ++i) {
    mbar_wait(full(i), parity(i));
    wgmma_fence();
#pragma unroll
    for (int e = 0; e < 4; ++e)
      wgmma_m64n64k16<0>(d, wgmma_desc(tile(i) + e * 32, 1024),
                         wgmma_desc(tile(i) + kDemoTileBytes + e * 32, 1024), 1);
    wgmma_commit();
    wgmma_wait<0>();
    __syncwarp();
    if (lane == 0) mbar_arrive(empty(i));
  }
  const int row = blockIdx.y * 64 + warp * 16 + lane / 4, column = blockIdx.x * 64 + lane % 4 * 2;
#pragma unroll
  for (int e = 0; e < 32; ++e)
    c[int64_t{row + e / 2 % 2 * 8} * n + column + e / 4 * 8 + e % 2] = d[e];
}

}  // namespace causeway::test
