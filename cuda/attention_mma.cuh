// Building blocks of attention on tensor cores: swizzled bf16 tiles in shared memory, and the two
// shapes of product that forward and backward consist of. A block has four warps, each of which
// owns 16·M rows of the block's tile and keeps its results in registers. Read next:
// attention_forward_mma.cuh, attention_backward_mma.cuh; docs/attention.md.
#pragma once
#include "cuda/attention_walk.cuh"

namespace causeway::cuda {

constexpr int kMmaWarps = 4, kMmaThreads = 32 * kMmaWarps;

/// A tile of rows of D bf16 in shared memory. ldmatrix reads eight rows at one column of 16-byte
/// chunks; XOR-ing the chunk with the row puts the eight into different banks. Where D is not a
/// multiple of 64, successive rows already start in different banks, so fewer bits are needed.
template <int kSize>
struct Tile {
  static constexpr int kChunks = kSize / 8, kRowBytes = 2 * kSize;
  static constexpr int kPower = kChunks & -kChunks;        // largest power of two in it
  static constexpr int kSpread = kPower < 8 ? kPower : 8;  // values of the XOR
  static constexpr int bytes(int rows) { return rows * kRowBytes; }

  static __device__ __forceinline__ int offset(int row, int chunk) {
    return row * kRowBytes + ((chunk ^ (row / (8 / kSpread) % kSpread)) << 4);
  }
};

/// Starts copying rows [row0, row0 + kRows) of a head into a tile; rows from `rows` on become 0.
template <int kSize, int kRows>
__device__ __forceinline__ void load_tile(uint32_t tile, const __nv_bfloat16* head, int64_t stride,
                                          int row0, int rows) {
  constexpr int kTotal = kRows * Tile<kSize>::kChunks;
#pragma unroll
  for (int first = 0; first < kTotal; first += kMmaThreads) {
    const int i = first + int(threadIdx.x);
    if (kTotal % kMmaThreads != 0 && i >= kTotal) break;
    const int r = i / Tile<kSize>::kChunks, chunk = i % Tile<kSize>::kChunks;
    const bool valid = row0 + r < rows;
    cp_async16(tile + Tile<kSize>::offset(r, chunk),
               head + (valid ? row0 + r : 0) * stride + chunk * 8, valid);
  }
}

// Fragments as PTX lays them out (PTX ISA, "Matrix Fragments for mma.m16n8k16"). In an accumulator
// c[4] of a 16 × 8 tile, lane = 4·g + p holds rows g (c[0], c[1]) and g + 8 (c[2], c[3]), columns
// 2p and 2p + 1.

/// Rows [row, row + 16·M) and columns [16·step, 16·step + 16) of a tile, as left operands.
template <int kSize, int kM>
__device__ __forceinline__ void load_left(uint32_t (&a)[kM][4], uint32_t tile, int row, int step) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int m = 0; m < kM; ++m)
    ldmatrix_x4(a[m],
                tile + Tile<kSize>::offset(row + 16 * m + (lane & 15), (2 * step) ^ (lane >> 4)));
}

template <int kM, int kN>
__device__ __forceinline__ void multiply_pair(float (&c)[kM][kN][4], const uint32_t (&a)[kM][4],
                                              const uint32_t (&b)[4], int n) {
  const uint32_t left[2] = {b[0], b[1]}, right[2] = {b[2], b[3]};
#pragma unroll
  for (int m = 0; m < kM; ++m) {
    mma_m16n8k16(c[m][n], a[m], left);
    mma_m16n8k16(c[m][n + 1], a[m], right);
  }
}

/// c (16·M, 8·N) += A · Bᵀ over columns [16·step, 16·step + 16): rows of `tile` are columns of c.
template <int kSize, int kM, int kN>
__device__ __forceinline__ void multiply_rows(float (&c)[kM][kN][4], const uint32_t (&a)[kM][4],
                                              uint32_t tile, int step) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int n = 0; n < kN; n += 2) {
    uint32_t b[4];
    ldmatrix_x4(b, tile + Tile<kSize>::offset(8 * n + (lane >> 4) * 8 + (lane & 7),
                                              (2 * step) ^ ((lane >> 3) & 1)));
    multiply_pair(c, a, b, n);
  }
}

__device__ __forceinline__ uint32_t pack(float low, float high) {
  union {
    __nv_bfloat162 pair;
    uint32_t bits;
  } x = {__floats2bfloat162_rn(low, high)};
  return x.bits;
}

/// c (16·M, D) += P · B, where P (16·M, 8·N) is the result of an earlier product: its accumulators,
/// rounded to bf16, are in place as left operands. Rows of `tile` meet columns of P.
template <int kSize, int kM, int kN>
__device__ __forceinline__ void multiply_columns(float (&c)[kM][kSize / 8][4],
                                                 const float (&p)[kM][kN][4], uint32_t tile) {
  const int lane = threadIdx.x & 31;
#pragma unroll
  for (int k = 0; k < kN; k += 2) {
    uint32_t a[kM][4];
#pragma unroll
    for (int m = 0; m < kM; ++m) {
      a[m][0] = pack(p[m][k][0], p[m][k][1]), a[m][1] = pack(p[m][k][2], p[m][k][3]);
      a[m][2] = pack(p[m][k + 1][0], p[m][k + 1][1]),
      a[m][3] = pack(p[m][k + 1][2], p[m][k + 1][3]);
    }
#pragma unroll
    for (int n = 0; n < kSize / 8; n += 2) {
      uint32_t b[4];
      ldmatrix_x4_trans(b, tile + Tile<kSize>::offset(8 * k + (lane & 15), n ^ (lane >> 4)));
      multiply_pair(c, a, b, n);
    }
  }
}

/// Stores a warp's accumulators, as bf16, to rows [row0 + row, …) of a head below `rows`, through
/// its own rows [row, row + 16·M) of a tile, so that each row is written 16 bytes at a time.
template <int kSize, int kM>
__device__ __forceinline__ void store_rows(__nv_bfloat16* head, int64_t stride, int row0, int rows,
                                           const float (&c)[kM][kSize / 8][4], unsigned char* tile,
                                           int row) {
  using T = Tile<kSize>;
  const int lane = threadIdx.x & 31, g = lane >> 2, p = lane & 3;
  __syncwarp();  // every lane has read what it needs of these rows
#pragma unroll
  for (int m = 0; m < kM; ++m)
#pragma unroll
    for (int n = 0; n < kSize / 8; ++n)
#pragma unroll
      for (int half = 0; half < 2; ++half)
        *reinterpret_cast<uint32_t*>(tile + T::offset(row + 16 * m + 8 * half + g, n) + 4 * p) =
            pack(c[m][n][2 * half], c[m][n][2 * half + 1]);
  __syncwarp();
#pragma unroll
  for (int i = lane; i < 16 * kM * T::kChunks; i += 32) {
    const int r = row + i / T::kChunks, chunk = i % T::kChunks;
    if (row0 + r < rows)
      *reinterpret_cast<uint4*>(head + (row0 + r) * stride + chunk * 8) =
          *reinterpret_cast<const uint4*>(tile + T::offset(r, chunk));
  }
}

}  // namespace causeway::cuda
