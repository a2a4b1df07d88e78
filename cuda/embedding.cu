// Launches the embeddings and their gradients. Read next: embedding.cuh.
#include "cuda/embedding.cuh"

#include "cuda/dispatch.h"
#include "cuda/launches.h"
#include "cuda/runtime.h"

namespace causeway::cuda {
namespace {

int64_t segments_of(int64_t rows) { return blocks(rows, segment_of(rows)); }

/// Scratch of one sort: rank (N), order (N), counts (segments, V), totals (V), starts (V + 1).
int64_t sort_numbers(int64_t rows, int64_t table_rows) {
  return 2 * rows + (segments_of(rows) + 2) * table_rows + 1;
}

/// The places of `ids` (N), each in [0, table_rows), sorted by id.
Places sorted_places(const Tensor& ids, int64_t table_rows, void* scratch, cudaStream_t stream) {
  const int64_t rows = ids.numel(), segment = segment_of(rows), segments = segments_of(rows);
  int* const rank = static_cast<int*>(scratch);
  int *const order = rank + rows, *const counts = order + rows;
  int *const totals = counts + segments * table_rows, *const starts = totals + table_rows;
  zero(counts, segments * table_rows * sizeof(int), stream);
  launch(rank_kernel, grid(blocks(rows, kRankThreads)), kRankThreads, 0, stream, rank, counts,
         data<int>(ids), rows, table_rows, segment);
  launch(add_segments_kernel, grid(blocks(table_rows, kRowThreads)), kRowThreads, 0, stream, totals,
         counts, segments, table_rows);
  launch(scan_kernel, grid(1), kScanThreads, 0, stream, starts, totals, table_rows);
  launch(place_kernel, grid(blocks(rows, kRowThreads)), kRowThreads, 0, stream, order, starts,
         counts, rank, data<int>(ids), rows, table_rows, segment);
  return {.order = order, .starts = starts, .step = 0, .rows = rows};
}

void table_sum(const Tensor& d_table, GradMode mode, const Tensor& d_y, const Places& places,
               cudaStream_t stream) {
  const int64_t width = d_y.shape[1];
  with_act(d_y.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    with_width<T>(rows_in_packs({d_table, d_y}, kFullPack<T>), [&](auto pack) {
      launch(table_sum_kernel<T, pack>, grid(d_table.shape[0], blocks(width, 32 * pack)),
             32 * kTableWarps, 0, stream, data<float>(d_table), data<T>(d_y), places, width,
             mode == GradMode::Accumulate);
    });
  });
}

}  // namespace

void embedding_forward(const EmbeddingForward& op, cudaStream_t stream) {
  if (op.y.numel() == 0) return;
  with_act(op.y.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const EmbeddingArgs<T> args{.y = data<T>(op.y),
                                .wte = data<T>(op.wte),
                                .wpe = data<T>(op.wpe),
                                .tokens = data<int>(op.tokens),
                                .position = data<int>(op.position),
                                .rows = op.y.shape[0],
                                .width = op.y.shape[1],
                                .times = op.tokens.shape[1],
                                .vocab = op.wte.shape[0],
                                .positions = op.wpe ? op.wpe.shape[0] : 0};
    with_width<T>(rows_in_packs({op.y, op.wte, op.wpe}, kFullPack<T>), [&](auto width) {
      launch(embedding_forward_kernel<T, width>, grid(blocks(op.y.numel() / width, kRowThreads)),
             kRowThreads, 0, stream, args);
    });
  });
}

size_t embedding_scratch_bytes(const EmbeddingBackward& op) {
  const int64_t rows = op.tokens.numel();
  const int64_t tokens = op.d_wte ? sort_numbers(rows, op.d_wte.shape[0]) : 0;
  const int64_t positions = op.d_wpe && op.position ? sort_numbers(rows, op.d_wpe.shape[0]) : 0;
  return std::max(tokens, positions) * sizeof(int);
}

void embedding_backward(const EmbeddingBackward& op, void* scratch, cudaStream_t stream) {
  if (op.d_wte && op.d_wte.numel() > 0)
    table_sum(op.d_wte, op.wte_mode, op.d_y,
              sorted_places(op.tokens, op.d_wte.shape[0], scratch, stream), stream);
  if (!op.d_wpe || op.d_wpe.numel() == 0) return;
  // Without a position tensor, place n is at n % T, and nothing needs sorting.
  const Places by_time{
      .order = nullptr, .starts = nullptr, .step = op.tokens.shape[1], .rows = op.tokens.numel()};
  table_sum(op.d_wpe, op.wpe_mode, op.d_y,
            op.position ? sorted_places(op.position, op.d_wpe.shape[0], scratch, stream) : by_time,
            stream);
}

}  // namespace causeway::cuda
