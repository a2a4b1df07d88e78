// Which tiles a block of attention visits: those that nobody in the block can see are skipped.
// Read next: attention_mma.cuh, attention_plain.cuh.
#pragma once
#include "cuda/attention_args.cuh"

namespace causeway::cuda {

/// The first key that any of `count` queries sees; the same in all 32·W ≥ count threads of the
/// block.
template <int kWarps>
__device__ __forceinline__ int first_key_of_all(const AttentionShape& shape, int batch, int query0,
                                                int count) {
  KSHARED(int, first, [kWarps]);
  const int query = query0 + int(threadIdx.x);
  int least = 0x7fffffff;
  if (int(threadIdx.x) < count && query < shape.tq) least = shape.first_key_of(batch, query);
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) least = min(least, __shfl_xor_sync(kFullMask, least, o));
  if ((threadIdx.x & 31) == 0) first[threadIdx.x >> 5] = least;
  __syncthreads();
#pragma unroll
  for (int w = 0; w < kWarps; ++w) least = min(least, first[w]);
  return least;
}

/// The query tiles that a block of keys meets: all heads of its group in order, and in each the
/// tiles [begin, end) from which its keys can be seen.
template <int kStep, Scores kScores>
struct QueryTiles {
  const AttentionShape& shape;
  int batch, key_end, begin, count, total;

  __device__ __forceinline__ QueryTiles(const AttentionShape& shape_, int batch_, int key0,
                                        int key_end_)
      : shape(shape_), batch(batch_), key_end(key_end_), begin(key0 / kStep) {
    int end = shape.tq;
    if (kScores == Scores::General && shape.window > 0)  // the window is a distance: no overflow
      end = key_end + min(shape.window - 1, shape.tq - min(key_end, shape.tq));
    count = (min(end, shape.tq) + kStep - 1) / kStep - begin;
    total = count * shape.group;
  }
  __device__ __forceinline__ int head_in_group(int i) const { return i / count; }
  __device__ __forceinline__ int query0(int i) const { return (begin + i % count) * kStep; }

  /// The first tile from i on that is not wholly of later documents; the same in every warp.
  __device__ __forceinline__ int next(int i) const {
    if constexpr (kScores == Scores::General) {
      if (!shape.segment_start) return i;
      for (; i < total; ++i) {
        bool seen = false;
        for (int r = threadIdx.x & 31; r < kStep; r += 32) {
          const int query = query0(i) + r;
          if (query < shape.tq)
            seen |= shape.segment_start[int64_t{batch} * shape.tq + query] < key_end;
        }
        if (__any_sync(kFullMask, seen)) break;
      }
    }
    return i;
  }
};

}  // namespace causeway::cuda
