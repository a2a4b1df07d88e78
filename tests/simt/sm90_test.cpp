// Hopper's instructions: fragments, descriptors and swizzles of wgmma, TMA both ways, a whole
// pipeline, and the rules that are easily forgotten. nvcc builds the same file for a GPU.
#include <catch2/catch.hpp>
#include <random>

#include "cuda/tensor_map.cuh"
#include "tests/simt/demo_gemm.cuh"
#include "tests/simt/device.h"

namespace causeway::test {
namespace {

using simt::Buffer;
using bf16 = __nv_bfloat16;

std::vector<bf16> small_integers(size_t n) {
  static std::mt19937 random(3);
  std::vector<bf16> v(n);
  for (bf16& x : v) x = __float2bfloat16(static_cast<float>(static_cast<int>(random() % 15) - 7));
  return v;
}
double value(const std::vector<bf16>& v, size_t i) { return double{__bfloat162float(v[i])}; }

/// Where element (row, column) of a panel of 64 columns lies in the 128-byte swizzle.
__device__ __forceinline__ int swizzled(int row, int column) {
  return row * 128 + ((column / 8 ^ row % 8) << 4) + column % 8 * 2;
}

enum Fault { kNone, kNoProxyFence, kNoWgmmaFence, kChangedOperand, kLostWarp };

template <int N, int kTransB, int kTransA, bool kRegisters>
__device__ __forceinline__ void product(float (&d)[N / 2], const uint32_t (&ra)[4], uint64_t a,
                                        uint64_t b) {
  if constexpr (N == 64 && kRegisters) wgmma_m64n64k16_ra<kTransB>(d, ra, b, 1);
  if constexpr (N == 64 && !kRegisters) wgmma_m64n64k16<kTransB, kTransA>(d, a, b, 1);
  if constexpr (N == 128 && kRegisters) wgmma_m64n128k16_ra<kTransB>(d, ra, b, 1);
  if constexpr (N == 128 && !kRegisters) wgmma_m64n128k16<kTransB, kTransA>(d, a, b, 1);
  if constexpr (N == 256 && kRegisters) wgmma_m64n256k16_ra<kTransB>(d, ra, b, 1);
  if constexpr (N == 256 && !kRegisters) wgmma_m64n256k16<kTransB, kTransA>(d, a, b, 1);
}

/// c (64, N) = 1 + a (64, 16) · b (N, 16)ᵀ. One warpgroup.
template <int N, int kTransB, int kTransA, bool kRegisters>
__global__ void wgmma_kernel(float* c, const bf16* a, const bf16* b, int fault) {
  KDYN_SHARED(smem);
  constexpr int kABytes = 8192, kPanelBytes = 16 * 128;  // a panel: 64 columns dense, 16 k
  const auto put = [&](int offset, bf16 x) { *reinterpret_cast<bf16*>(smem + offset) = x; };
  for (int i = threadIdx.x; i < 64 * 16; i += 128)
    put(kTransA ? swizzled(i % 16, i / 16) : swizzled(i / 16, i % 16), a[i]);
  for (int i = threadIdx.x; i < N * 16; i += 128) {
    const int n = i / 16, k = i % 16;
    put(kABytes + (kTransB ? n / 64 * kPanelBytes + swizzled(k, n % 64) : swizzled(n, k)), b[i]);
  }
  if (fault != kNoProxyFence) fence_proxy_async();
  __syncthreads();
  if (fault == kLostWarp && threadIdx.x >= 96) return;
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4 * 2;
  uint32_t ra[4];
  for (int e = 0; e < 4; ++e)
    ra[e] =
        *reinterpret_cast<const uint32_t*>(a + (16 * warp + g + e % 2 * 8) * 16 + t + e / 2 * 8);
  float d[N / 2];
  for (float& x : d) x = 1.0f;
  if (fault != kNoWgmmaFence) wgmma_fence();
  product<N, kTransB, kTransA, kRegisters>(d, ra, wgmma_desc(smem_u32(smem), 1024),
                                           wgmma_desc(smem_u32(smem) + kABytes, 1024, kPanelBytes));
  wgmma_commit();
  if (fault == kChangedOperand) ra[0] = 0x3f803f80;
  wgmma_wait<0>();
  for (int e = 0; e < N / 2; ++e)
    c[(16 * warp + g + e / 2 % 2 * 8) * N + e / 4 * 8 + t + e % 2] = d[e];
  if (fault == kChangedOperand) c[0] = __uint_as_float(ra[0]);
}

template <int N, int kTransB, int kTransA, bool kRegisters>
void run_wgmma(Fault fault = kNone) {
  const auto a = small_integers(64 * 16), b = small_integers(N * 16);
  Buffer<bf16> device_a(a, "a"), device_b(b, "b");
  Buffer<float> c(64 * N, "c");
  launch(wgmma_kernel<N, kTransB, kTransA, kRegisters>, 1, 128, 8192 + N * 128, 0, c.data(),
         device_a.data(), device_b.data(), int{fault});
  for (size_t i = 0; i < 64; ++i)
    for (size_t j = 0; j < N; ++j) {
      double want = 1;
      for (size_t k = 0; k < 16; ++k) want += value(a, i * 16 + k) * value(b, j * 16 + k);
      INFO("row " << i << " column " << j);
      REQUIRE(double{c[i * N + j]} == want);
    }
}

template <int N>
void run_all_forms() {
  INFO("N = " << N);
  run_wgmma<N, 0, 0, false>();
  run_wgmma<N, 1, 0, false>();
  run_wgmma<N, 0, 1, false>();
  run_wgmma<N, 1, 1, false>();
  run_wgmma<N, 0, 0, true>();
  run_wgmma<N, 1, 0, true>();
}

TEST_CASE("wgmma multiplies in all widths, orders of storage and sources of A") {
  run_all_forms<64>();
  run_all_forms<128>();
  run_all_forms<256>();
}

/// Copies a box from one tensor to another, by way of shared memory.
__global__ void tma_copy_kernel(const KGRID_CONSTANT TensorMap to,
                                const KGRID_CONSTANT TensorMap from, int x, int y) {
  KDYN_SHARED(smem);
  KSHARED(uint64_t, bar, [1]);
  if (threadIdx.x == 0) {
    mbar_init(smem_u32(bar), 1);
    mbar_init_fence();
  }
  __syncthreads();
  if (threadIdx.x < 32 && elect_one()) {
    mbar_arrive_expect(smem_u32(bar), 64 * 128);
    tma_load_2d(smem_u32(smem), &from, smem_u32(bar), x, y);
    mbar_wait(smem_u32(bar), 0);
    tma_store_2d(&to, smem_u32(smem), 0, 0);
    tma_store_commit();
    tma_store_wait_read<0>();
  }
}

TEST_CASE("TMA reads zeros outside of a tensor and writes nothing there") {
  constexpr int kRows = 100, kColumns = 96, kX = 48, kY = 70, kOut = 40;
  const auto in = small_integers(kRows * kColumns);
  Buffer<bf16> from(in, "from"), to(std::vector<bf16>(kOut * 64, __float2bfloat16(9.0f)), "to");
  TensorMap from_map{}, to_map{};
  REQUIRE(tensor_map_2d(&from_map, from.data(), kRows, kColumns, kColumns, 64, 64) == cudaSuccess);
  REQUIRE(tensor_map_2d(&to_map, to.data(), kOut, 56, 64, 64, 64) == cudaSuccess);
  launch(tma_copy_kernel, 1, 64, 64 * 128, 0, to_map, from_map, kX, kY);
  for (int r = 0; r < kOut; ++r)
    for (int c = 0; c < 64; ++c) {
      const bool inside = kY + r < kRows && kX + c < kColumns;
      const double read = inside ? value(in, static_cast<size_t>((kY + r) * kColumns + kX + c)) : 0;
      INFO("row " << r << " column " << c);
      REQUIRE(double{__bfloat162float(to[static_cast<size_t>(r * 64 + c)])} == (c < 56 ? read : 9));
    }
}

TEST_CASE("a ring of TMA loads feeds wgmma") {
  constexpr int M = 128, N = 192, K = 512;
  const auto a = small_integers(M * K), b = small_integers(N * K);
  Buffer<bf16> device_a(a, "a"), device_b(b, "b");
  TensorMap a_map{}, b_map{};
  REQUIRE(tensor_map_2d(&a_map, device_a.data(), M, K, K, 64, 64) == cudaSuccess);
  REQUIRE(tensor_map_2d(&b_map, device_b.data(), N, K, K, 64, 64) == cudaSuccess);
  Buffer<float> c(M * N, "c");
  launch(demo_gemm_kernel, dim3(N / 64, M / 64), kDemoThreads, kDemoSharedBytes, 0, c.data(), a_map,
         b_map, N, K);
  for (size_t i = 0; i < M; ++i)
    for (size_t j = 0; j < N; ++j) {
      double want = 0;
      for (size_t k = 0; k < K; ++k) want += value(a, i * K + k) * value(b, j * K + k);
      REQUIRE(double{c[i * N + j]} == want);
    }
}

#if !defined(__CUDACC__)
void require_fault(Fault fault, const std::string& text) {
  INFO("expected: " << text);
  REQUIRE_THROWS_WITH((run_wgmma<64, 0, 0, true>(fault)), Catch::Contains(text));
}

TEST_CASE("what wgmma demands and compilers do not check is checked") {
  require_fault(kNoWgmmaFence, "wgmma without a wgmma_fence()");
  require_fault(kChangedOperand, "A registers of a wgmma changed");
  require_fault(kLostWarp, "warpgroup not converged");
  if (simt::checking) require_fault(kNoProxyFence, "without a fence_proxy_async()");
}
#endif

}  // namespace
}  // namespace causeway::test
