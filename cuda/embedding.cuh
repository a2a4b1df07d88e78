// Token and position embeddings. The gradient needs the tokens' places in the batch sorted by
// token, without atomics on floats: rank each place among its equals of a segment, count, add up
// segments and tokens, place; then every row of the table sums its own places in order. Read next:
// embedding.cu.
#pragma once
#include "cuda/pack.cuh"

namespace causeway::cuda {

constexpr int kRowThreads = 256;

template <class T>
struct EmbeddingArgs {
  T* y;                          ///< (N, C)
  const T *wte, *wpe;            ///< (V, C), (≥T, C) or null
  const int *tokens, *position;  ///< (N); position may be null: n % T
  int64_t rows, width, times, vocab, positions;
};

/// y = wte[token] + wpe[position]; a thread per pack. A stray id gives NaN, which the step's guard
/// catches.
template <class T, int kWidth>
__global__ void __launch_bounds__(kRowThreads) embedding_forward_kernel(const EmbeddingArgs<T> a) {
  const int64_t packs = a.width / kWidth, i = int64_t{blockIdx.x} * kRowThreads + threadIdx.x;
  if (i >= a.rows * packs) return;
  const int64_t n = i / packs, column = i % packs * kWidth;
  const int64_t token = a.tokens[n];
  const int64_t place = a.position ? int64_t{a.position[n]} : n % a.times;
  const bool known =
      token >= 0 && token < a.vocab && (!a.wpe || (place >= 0 && place < a.positions));
  float sum[kWidth], other[kWidth] = {};
#pragma unroll
  for (int e = 0; e < kWidth; ++e) sum[e] = NAN;
  if (known) load(sum, a.wte + token * a.width + column);
  if (known && a.wpe) load(other, a.wpe + place * a.width + column);
#pragma unroll
  for (int e = 0; e < kWidth; ++e) sum[e] += other[e];
  store(a.y + n * a.width + column, sum);
}

constexpr int kRankThreads = 256, kMaxSegments = 64;

/// Places are ranked within segments of this many, whole blocks: at most kMaxSegments of them.
inline int64_t segment_of(int64_t rows) {
  const int64_t least = (rows + kMaxSegments - 1) / kMaxSegments;
  return (least < 1024 ? 1024 : least + kRankThreads - 1) / kRankThreads * kRankThreads;
}

/// rank[n] = how many places before n in its segment hold the same id; counts (segments, V): of
/// each id in each segment (integers: their order does not matter). Stray ids are left out.
__global__ void __launch_bounds__(kRankThreads)
    rank_kernel(int* rank, int* counts, const int* ids, int64_t rows, int64_t vocab,
                int64_t segment) {
  KSHARED(int, tile, [kRankThreads]);
  const int64_t begin = int64_t{blockIdx.x} * kRankThreads, n = begin + threadIdx.x;
  const int id = n < rows ? ids[n] : -1;
  int equal = 0;
  for (int64_t first = begin / segment * segment; first <= begin; first += kRankThreads) {
    tile[threadIdx.x] = first + threadIdx.x < rows ? ids[first + threadIdx.x] : -1;
    __syncthreads();
    const int before = n - first < kRankThreads ? int(n - first) : kRankThreads;
#pragma unroll 8
    for (int i = 0; i < kRankThreads; ++i) equal += i < before && tile[i] == id;
    __syncthreads();
  }
  if (id < 0 || id >= vocab) return;
  rank[n] = equal;
  atomicAdd(&counts[begin / segment * vocab + id], 1);
}

constexpr int kBatch = 8;  ///< numbers asked for at once: one by one they would wait for each other

/// counts (segments, V) become exclusive sums over the segments; totals (V) the whole sums.
__global__ void __launch_bounds__(kRowThreads)
    add_segments_kernel(int* totals, int* counts, int64_t segments, int64_t vocab) {
  const int64_t id = int64_t{blockIdx.x} * kRowThreads + threadIdx.x;
  if (id >= vocab) return;
  int sum = 0;
  for (int64_t s = 0; s < segments; s += kBatch) {
    int some[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) some[i] = s + i < segments ? counts[(s + i) * vocab + id] : 0;
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      if (s + i < segments) counts[(s + i) * vocab + id] = sum;
      sum += some[i];
    }
  }
  totals[id] = sum;
}

constexpr int kScanThreads = 1024;

/// starts (V + 1) = exclusive sums of totals (V). One block; a thread sums a run of ids.
__global__ void __launch_bounds__(kScanThreads)
    scan_kernel(int* starts, const int* totals, int64_t vocab) {
  KSHARED(int, sums, [kScanThreads]);
  const int64_t run = (vocab + kScanThreads - 1) / kScanThreads, begin = threadIdx.x * run;
  const int64_t end = begin + run < vocab ? begin + run : vocab;
  int sum = 0;
#pragma unroll 8
  for (int64_t i = begin; i < end; ++i) sum += totals[i];
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int step = 1; step < kScanThreads; step *= 2) {
    const int left = int(threadIdx.x) >= step ? sums[threadIdx.x - step] : 0;
    __syncthreads();
    sums[threadIdx.x] += left;
    __syncthreads();
  }
  int at = sums[threadIdx.x] - sum;
  for (int64_t first = begin; first < end; first += kBatch) {
    int some[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) some[i] = first + i < end ? totals[first + i] : 0;
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      if (first + i < end) starts[first + i] = at;
      at += some[i];
    }
  }
  if (threadIdx.x == 0) starts[vocab] = sums[kScanThreads - 1];
}

/// order[starts[id] + places of it in earlier segments + rank] = n.
__global__ void __launch_bounds__(kRowThreads)
    place_kernel(int* order, const int* starts, const int* counts, const int* rank, const int* ids,
                 int64_t rows, int64_t vocab, int64_t segment) {
  const int64_t n = int64_t{blockIdx.x} * kRowThreads + threadIdx.x;
  if (n >= rows || ids[n] < 0 || ids[n] >= vocab) return;
  order[starts[ids[n]] + counts[n / segment * vocab + ids[n]] + rank[n]] = int(n);
}

/// Where the places of row r are: order[starts[r] …); without `order`, r, r + step, … below rows.
struct Places {
  const int *order, *starts;
  int64_t step, rows;

  __device__ int64_t count(int64_t r) const {
    return order ? starts[r + 1] - starts[r] : r < step ? (rows - r + step - 1) / step : 0;
  }
  __device__ int64_t at(int64_t r, int64_t i) const {
    return order ? order[starts[r] + i] : r + i * step;
  }
};

constexpr int kTableWarps = 4;  ///< consecutive parts of a row's places

/// d_table (rows, C) = Σ d_y over each row's places: in order within each of four equal parts, then
/// part by part. Grid (rows, ⌈C / (32 · kWidth)⌉); a lane has kWidth columns.
template <class T, int kWidth>
__global__ void __launch_bounds__(32 * kTableWarps)
    table_sum_kernel(float* d_table, const T* d_y, const Places places, int64_t width,
                     bool accumulate) {
  KSHARED(float, sums, [kTableWarps][32 * kWidth]);
  const int64_t r = blockIdx.x, count = places.count(r);
  if (count == 0 && accumulate) return;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int64_t column = (int64_t{blockIdx.y} * 32 + lane) * kWidth;
  float sum[kWidth] = {};
  const int64_t part = (count + kTableWarps - 1) / kTableWarps, begin = warp * part;
  const int64_t end = begin + part < count ? begin + part : count;
#pragma unroll 4
  for (int64_t i = begin; i < end; ++i) {
    float d[kWidth] = {};
    if (column < width) load(d, d_y + places.at(r, i) * width + column);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) sum[e] += d[e];
  }
#pragma unroll
  for (int e = 0; e < kWidth; ++e) sums[warp][e * 32 + lane] = sum[e];
  __syncthreads();
  if (warp > 0 || column >= width) return;
  float* const out = d_table + r * width + column;
  float old[kWidth] = {};
  if (accumulate) load(old, out);
#pragma unroll
  for (int e = 0; e < kWidth; ++e) {
    for (int w = 1; w < kTableWarps; ++w) sum[e] += sums[w][e * 32 + lane];
    old[e] += sum[e];
  }
  store(out, old);
}

}  // namespace causeway::cuda
