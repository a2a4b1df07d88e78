// Building blocks of attention without tensor cores, for f32 and every head size up to 256: f32
// tiles in shared memory, and products of them in which each of 16 × 16 threads owns a few outputs.
// Read next: attention_forward_plain.cuh, attention_backward_plain.cuh.
#pragma once
#include "cuda/attention_walk.cuh"

namespace causeway::cuda {

constexpr int kPlainWarps = 8, kPlainThreads = 32 * kPlainWarps;

/// Tiles of rows of at most `capacity` (64, 128 or 256) elements; shorter rows are padded with 0.
/// Thread (ty, tx) of 16 × 16 owns rows ty + 16·i, and columns tx + 16·j of a product of two tiles.
template <int kCapacity>
struct Plain {
  static constexpr int kTile = kCapacity <= 128 ? 32 : 16;  // rows: what fits in 70 KB, five tiles
  static constexpr int kPer = kTile / 16;                   // rows of one thread
  static constexpr int kQuads = kCapacity / 64;             // float4 columns of one thread
  static constexpr int kStride = kCapacity + 4;             // eight rows start in different banks
  static constexpr int kTileFloats = kTile * kStride;
  static constexpr int kWeightStride = kTile + 1;
  static constexpr int kWeightFloats = kTile * kWeightStride;

  using Scores = float[kPer][kPer];
  using Rows = float4[kPer][kQuads];

  static __device__ __forceinline__ int ty() { return threadIdx.x / 16; }
  static __device__ __forceinline__ int tx() { return threadIdx.x % 16; }

  /// Rows [row0, row0 + kTile) of a head; rows from `rows` on are 0.
  template <class T>
  static __device__ __forceinline__ void load(float* tile, const T* head, int64_t stride, int row0,
                                              int rows, int size) {
    for (int i = threadIdx.x; i < kTile * kCapacity; i += kPlainThreads) {
      const int r = i / kCapacity, c = i % kCapacity;
      const bool valid = row0 + r < rows && c < size;
      tile[r * kStride + c] = valid ? float(head[(row0 + r) * stride + c]) : 0.0f;
    }
  }

  /// s = A · Bᵀ of two tiles.
  static __device__ __forceinline__ void dots(Scores& s, const float* a, const float* b, int size) {
#pragma unroll
    for (int i = 0; i < kPer * kPer; ++i) s[i / kPer][i % kPer] = 0.0f;
    for (int d = 0; d < size; d += 4) {
      float4 x[kPer], y[kPer];
#pragma unroll
      for (int i = 0; i < kPer; ++i) {
        x[i] = *reinterpret_cast<const float4*>(a + (ty() + 16 * i) * kStride + d);
        y[i] = *reinterpret_cast<const float4*>(b + (tx() + 16 * i) * kStride + d);
      }
#pragma unroll
      for (int i = 0; i < kPer; ++i)
#pragma unroll
        for (int j = 0; j < kPer; ++j)
          s[i][j] += x[i].x * y[j].x + x[i].y * y[j].y + x[i].z * y[j].z + x[i].w * y[j].w;
    }
  }

  static __device__ __forceinline__ float& weight(float* w, int i, int j) {
    return w[(ty() + 16 * i) * kWeightStride + tx() + 16 * j];
  }

  /// c += W · B with W (kTile, kTile) weights.
  static __device__ __forceinline__ void mix(Rows& c, const float* w, const float* b) {
    for (int k = 0; k < kTile; ++k)
#pragma unroll
      for (int q = 0; q < kQuads; ++q) {
        const float4 y = *reinterpret_cast<const float4*>(b + k * kStride + 4 * (tx() + 16 * q));
#pragma unroll
        for (int i = 0; i < kPer; ++i) {
          const float x = w[(ty() + 16 * i) * kWeightStride + k];
          float4& to = c[i][q];
          to.x += x * y.x, to.y += x * y.y, to.z += x * y.z, to.w += x * y.w;
        }
      }
  }

  /// To rows [row0, …) of a head below `rows`.
  template <class T>
  static __device__ __forceinline__ void store(T* head, int64_t stride, int row0, int rows,
                                               int size, const Rows& c) {
#pragma unroll
    for (int i = 0; i < kPer; ++i) {
      const int r = row0 + ty() + 16 * i;
      if (r >= rows) continue;
#pragma unroll
      for (int q = 0; q < kQuads; ++q) {
        const float x[4] = {c[i][q].x, c[i][q].y, c[i][q].z, c[i][q].w};
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int d = 4 * (tx() + 16 * q) + e;
          if (d < size) head[r * stride + d] = T(x[e]);
        }
      }
    }
  }
};

/// A score in natural units, to f32 accuracy: these kernels are what others are checked against.
__device__ __forceinline__ Score exact_score(const AttentionShape& shape, int head, float dot,
                                             int distance) {
  const float penalty = shape.slopes ? shape.slopes[head] * float(distance) : 0.0f;
  if (shape.softcap <= 0) return {dot * shape.scale - penalty, 1.0f};
  const float t = tanhf(dot * shape.scale / shape.softcap);
  return {shape.softcap * t - penalty, 1.0f - t * t};
}

}  // namespace causeway::cuda
