// Fragment layouts of mma and ldmatrix, shuffles and votes, against tables published elsewhere (PTX
// ISA; CUTLASS's cute/atom/mma_traits_sm80.hpp). nvcc builds the same file for a GPU.
#include <random>

#include "tests/catch.h"
#include "tests/simt/device.h"

namespace causeway::test {
namespace {

using namespace causeway::cuda;
using simt::Buffer;

__global__ void mma_kernel(float* d, const uint32_t* a, const uint32_t* b) {
  uint32_t ra[4], rb[2];
  float rd[4];
  for (int i = 0; i < 4; ++i) ra[i] = a[threadIdx.x * 4 + i], rd[i] = d[threadIdx.x * 4 + i];
  for (int i = 0; i < 2; ++i) rb[i] = b[threadIdx.x * 2 + i];
  mma_m16n8k16(rd, ra, rb);
  for (int i = 0; i < 4; ++i) d[threadIdx.x * 4 + i] = rd[i];
}

template <int N, bool kTranspose>
__global__ void ldmatrix_kernel(uint32_t* out, const uint16_t* in) {
  KSHARED(uint16_t, tile, [8 * N][8]);
  for (int i = threadIdx.x; i < 64 * N; i += 32) tile[i / 8][i % 8] = in[i];
  __syncwarp();
  uint32_t r[N];
  const uint32_t address = smem_u32(tile[threadIdx.x % (8 * N)]);
  if constexpr (N == 4 && kTranspose) ldmatrix_x4_trans(r, address);
  if constexpr (N == 4 && !kTranspose) ldmatrix_x4(r, address);
  if constexpr (N == 2 && kTranspose) ldmatrix_x2_trans(r, address);
  if constexpr (N == 2 && !kTranspose) ldmatrix_x2(r, address);
  if constexpr (N == 1) ldmatrix_x1(r, address);
  for (int i = 0; i < N; ++i) out[threadIdx.x * N + i] = r[i];
}

/// Thread l holds row l / 4, columns 2·(l % 4) + {0, 1} of each tile.
template <int N, bool kTranspose>
void require_ldmatrix() {
  std::vector<uint16_t> values(64 * N);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint16_t>(i);
  Buffer<uint16_t> in(values, "in");
  Buffer<uint32_t> out(32 * N, "out");
  launch(ldmatrix_kernel<N, kTranspose>, 1, 32, 0, 0, out.data(), in.data());
  for (int l = 0; l < 32; ++l)
    for (int tile = 0; tile < N; ++tile)
      for (int h = 0; h < 2; ++h) {
        const int row = l / 4, column = l % 4 * 2 + h;
        const int want = tile * 64 + (kTranspose ? column * 8 + row : row * 8 + column);
        INFO("x" << N << (kTranspose ? ".trans" : "") << " lane " << l << " tile " << tile);
        REQUIRE(static_cast<int>(out[static_cast<size_t>(l * N + tile)] >> (16 * h) & 0xffff) ==
                want);
      }
}

TEST_CASE("ldmatrix gives each lane the elements that the PTX manual names") {
  require_ldmatrix<4, false>();
  require_ldmatrix<4, true>();
  require_ldmatrix<2, false>();
  require_ldmatrix<2, true>();
  require_ldmatrix<1, false>();
}

uint32_t bf16_bits(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  return u >> 16;
}

TEST_CASE("mma.m16n8k16 multiplies fragments laid out by the published tables") {
  std::mt19937 random(1);
  std::vector<float> A(16 * 16), B(16 * 8), C(16 * 8);
  for (auto* matrix : {&A, &B, &C})
    for (float& x : *matrix) x = static_cast<float>(static_cast<int>(random() % 17) - 8);
  std::vector<uint32_t> a(128), b(64);
  std::vector<float> c(128);
  // Index of value v of thread t in the column-major matrix.
  const auto a_at = [](int t, int v) {  // ((4,8),(2,2,2)):((32,1),(16,8,128)), 16 rows
    return t % 4 * 32 + t / 4 + v % 2 * 16 + v / 2 % 2 * 8 + v / 4 * 128;
  };
  const auto b_at = [](int t, int v) {  // ((4,8),(2,2)):((16,1),(8,64)), 8 rows (n)
    return t % 4 * 16 + t / 4 + v % 2 * 8 + v / 2 * 64;
  };
  const auto c_at = [](int t, int v) {  // ((4,8),(2,2)):((32,1),(16,8)), 16 rows
    return t % 4 * 32 + t / 4 + v % 2 * 16 + v / 2 * 8;
  };
  for (int t = 0; t < 32; ++t) {
    for (int v = 0; v < 8; ++v) {
      const int i = a_at(t, v);
      a[static_cast<size_t>(t * 4 + v / 2)] |=
          bf16_bits(A[static_cast<size_t>(i % 16 * 16 + i / 16)]) << (16 * (v % 2));
    }
    for (int v = 0; v < 4; ++v) {
      const int i = b_at(t, v), j = c_at(t, v);
      b[static_cast<size_t>(t * 2 + v / 2)] |= bf16_bits(B[static_cast<size_t>(i)])
                                               << (16 * (v % 2));
      c[static_cast<size_t>(t * 4 + v)] = C[static_cast<size_t>(j % 16 * 8 + j / 16)];
    }
  }
  Buffer<uint32_t> device_a(a, "a"), device_b(b, "b");
  Buffer<float> d(c, "d");
  launch(mma_kernel, 1, 32, 0, 0, d.data(), device_a.data(), device_b.data());
  for (int t = 0; t < 32; ++t)
    for (int v = 0; v < 4; ++v) {
      const int i = c_at(t, v) % 16, j = c_at(t, v) / 16;
      float want = C[static_cast<size_t>(i * 8 + j)];
      for (int k = 0; k < 16; ++k)
        want += A[static_cast<size_t>(i * 16 + k)] * B[static_cast<size_t>(k * 8 + j)];
      REQUIRE(d[static_cast<size_t>(t * 4 + v)] == want);
    }
}

__global__ void shuffle_kernel(int* out) {
  const int l = threadIdx.x;
  out[l] = __shfl_sync(kFullMask, l, 5);
  out[32 + l] = __shfl_down_sync(kFullMask, l, 3);
  out[64 + l] = __shfl_up_sync(kFullMask, l, 3);
  out[96 + l] = __shfl_xor_sync(kFullMask, l, 9);
  out[128 + l] = __shfl_down_sync(kFullMask, l, 3, 8);
  const unsigned half = l < 16 ? 0xffffu : 0xffff0000u;
  out[160 + l] = __shfl_xor_sync(half, l, 7);
}

TEST_CASE("shuffles move values as the programming guide says") {
  Buffer<int> out(192, "out");
  launch(shuffle_kernel, 1, 32, 0, 0, out.data());
  for (int l = 0; l < 32; ++l) {
    INFO("lane " << l);
    const auto at = [&](int row) { return out[static_cast<size_t>(32 * row + l)]; };
    REQUIRE(at(0) == 5);
    REQUIRE(at(1) == (l + 3 < 32 ? l + 3 : l));
    REQUIRE(at(2) == (l >= 3 ? l - 3 : l));
    REQUIRE(at(3) == (l ^ 9));
    REQUIRE(at(4) == (l % 8 + 3 < 8 ? l + 3 : l));
    REQUIRE(at(5) == (l ^ 7));
  }
}

__global__ void vote_kernel(unsigned* out) {
  const int l = threadIdx.x % 32;
  const bool third = l % 3 == 0;
  unsigned* own = out + 12 * threadIdx.x;
  own[0] = __ballot_sync(kFullMask, third);
  own[1] = __any_sync(kFullMask, l == 7) * 2 + __all_sync(kFullMask, l == 7);
  own[2] = __match_any_sync(kFullMask, l % 5);
  own[3] = static_cast<unsigned>(__reduce_add_sync(kFullMask, l - 20));
  own[4] = static_cast<unsigned>(__reduce_min_sync(kFullMask, l - 20));
  own[5] = static_cast<unsigned>(__reduce_max_sync(kFullMask, l - 20));
  own[6] = __reduce_max_sync(kFullMask, static_cast<unsigned>(l - 20));
  own[7] = __reduce_or_sync(kFullMask, 1u << (l / 2));
  own[8] = __reduce_xor_sync(kFullMask, 1u << (l % 31));
  own[9] = static_cast<unsigned>(__syncthreads_count(third));
  own[10] = __syncthreads_or(threadIdx.x == 40) != 0;
  own[11] = __syncthreads_and(threadIdx.x != 40) != 0;
}

TEST_CASE("votes and reductions agree with their definition") {
  Buffer<unsigned> out(12 * 64, "out");
  launch(vote_kernel, 1, 64, 0, 0, out.data());
  for (int t = 0; t < 64; ++t) {
    INFO("thread " << t);
    const auto at = [&](int i) { return out[static_cast<size_t>(12 * t + i)]; };
    REQUIRE(at(0) == 0x49249249u);
    REQUIRE(at(1) == 2);
    unsigned same = 0;
    for (int l = t % 32 % 5; l < 32; l += 5) same |= 1u << l;
    REQUIRE(at(2) == same);
    REQUIRE(static_cast<int>(at(3)) == 496 - 20 * 32);
    REQUIRE(static_cast<int>(at(4)) == -20);
    REQUIRE(static_cast<int>(at(5)) == 11);
    REQUIRE(at(6) == 0xffffffffu);
    REQUIRE(at(7) == 0xffffu);
    REQUIRE(at(8) == 0x7ffffffeu);
    REQUIRE(at(9) == 22);
    REQUIRE(at(10) == 1);
    REQUIRE(at(11) == 0);
  }
}

}  // namespace
}  // namespace causeway::test
