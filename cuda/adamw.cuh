// AdamW over many parameter ranges in one launch: a block finds its range in a table that travels
// with the launch, and updates one piece of it. Read next: adamw.cu.
#pragma once
#include "core/philox.h"
#include "core/rounding.h"
#include "cuda/pack.cuh"

namespace causeway::cuda {

constexpr int kAdamWThreads = 256, kAdamWWidth = 4;
constexpr int kAdamWPiece = kAdamWThreads * kAdamWWidth * 4;  ///< elements of a block
constexpr int kAdamWSlices = 62;                              ///< of a launch: 4 KiB of arguments

/// How a new value is stored; Stochastic: bf16 without a master.
enum class Rounding : uint8_t { Nearest, Stochastic };

struct AdamWRange {
  void* value;
  float *master, *m, *v;  ///< master null: value itself is updated
  const float* grad;
  int64_t n;
  int64_t offset;   ///< of its first element in the random stream, a multiple of 4
  float decay;      ///< lr · weight_decay
  int first_block;  ///< of this range in the grid
};

struct AdamWArgs {
  float beta1, beta2, gain1, gain2;  ///< gain = 1 − beta
  float eps, step_size, second_scale;
  const double *clip_scale, *finite;
  RandomStream random;
  int count;
  AdamWRange ranges[kAdamWSlices];
};
static_assert(sizeof(AdamWArgs) <= 4096);

/// Four elements share a Philox block, and a pack is a block.
template <int kWidth>
__device__ __forceinline__ void store_stochastic(__nv_bfloat16* at, const float (&values)[kWidth],
                                                 const RandomStream& random, int64_t element) {
  static_assert(kWidth == 1 || kWidth == 4);
  Pack<uint16_t, kWidth> pack;
  const auto round = [&](int e, uint32_t bits) {
    pack.x[e] = static_cast<uint16_t>(stochastic_bf16(__float_as_uint(values[e]), bits));
  };
  if constexpr (kWidth == 1) {
    round(0, random_bits(random, static_cast<uint64_t>(element)));
  } else {
    const auto bits = philox(random, static_cast<uint32_t>(element / 4));
#pragma unroll
    for (int e = 0; e < 4; ++e) round(e, bits[e]);
  }
  *reinterpret_cast<Pack<uint16_t, kWidth>*>(at) = pack;
}

/// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← p − step·m / (√(v·scale) + eps) − decay·p.
template <Rounding kRounding, int kWidth, class T>
__device__ __forceinline__ void adamw_pack(const AdamWArgs& a, const AdamWRange& r, T* value,
                                           float clip, int64_t i) {
  float p[kWidth], m[kWidth], v[kWidth], g[kWidth];
  load(g, r.grad + i);
  load(m, r.m + i);
  load(v, r.v + i);
  if (r.master)
    load(p, r.master + i);
  else
    load(p, value + i);
#pragma unroll
  for (int e = 0; e < kWidth; ++e) {
    g[e] *= clip;
    m[e] = a.beta1 * m[e] + a.gain1 * g[e];
    v[e] = a.beta2 * v[e] + a.gain2 * (g[e] * g[e]);
    p[e] -= a.step_size * m[e] / (sqrtf(v[e] * a.second_scale) + a.eps) + r.decay * p[e];
  }
  store(r.m + i, m);
  store(r.v + i, v);
  if (r.master) store(r.master + i, p);
  if constexpr (kRounding == Rounding::Stochastic)
    store_stochastic(value + i, p, a.random, r.offset + i);
  else
    store(value + i, p);
}

/// kWidth 1 where a range is not aligned.
template <class T, Rounding kRounding, int kWidth>
__global__ void __launch_bounds__(kAdamWThreads) adamw_kernel(const KGRID_CONSTANT AdamWArgs a) {
  if (*a.finite == 0) return;
  int slice = 0;
  while (slice + 1 < a.count && a.ranges[slice + 1].first_block <= int(blockIdx.x)) ++slice;
  const AdamWRange& r = a.ranges[slice];
  T* const value = static_cast<T*>(r.value);
  const float clip = float(*a.clip_scale);
  const int64_t begin = int64_t{int(blockIdx.x) - r.first_block} * kAdamWPiece;
  const int64_t end = begin + kAdamWPiece < r.n ? begin + kAdamWPiece : r.n;
#pragma unroll 2
  for (int64_t i = begin + int64_t{threadIdx.x} * kWidth; i < end; i += kAdamWThreads * kWidth) {
    if (i + kWidth <= end)
      adamw_pack<kRounding, kWidth>(a, r, value, clip, i);
    else
      for (int64_t rest = i; rest < end; ++rest) adamw_pack<kRounding, 1>(a, r, value, clip, rest);
  }
}

}  // namespace causeway::cuda
