// Launches the gradient of a bias: sums over the rows of op(a). Read next: columns.cuh.
#include "cuda/columns.cuh"

#include "cuda/dispatch.h"
#include "cuda/launches.h"

namespace causeway::cuda {
namespace {

constexpr int64_t kSlabRows = 1024;  ///< rows summed by one block

/// Stored rows are what is summed over when a is transposed, as it is in a weight gradient.
bool over_rows(const BiasGradient& op) { return op.a_transpose == Transpose::Yes; }
int64_t slabs(const BiasGradient& op) { return blocks(op.a.shape[0], kSlabRows); }

}  // namespace

size_t bias_gradient_scratch_bytes(const BiasGradient& op) {
  return over_rows(op) ? slabs(op) * op.a.shape[1] * sizeof(float) : 0;
}

void bias_gradient(const BiasGradient& op, void* scratch, cudaStream_t stream) {
  const int64_t rows = op.a.shape[0], columns = op.a.shape[1], stride = op.a.stride[0];
  const bool accumulate = op.mode == GradMode::Accumulate;
  float* const parts = static_cast<float*>(scratch);
  with_act(op.a.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (!over_rows(op))
      return void(launch(row_sums_kernel<T>, grid(blocks(rows, kRowSumThreads / 32)),
                         kRowSumThreads, 0, stream, data<float>(op.d_bias), data<T>(op.a), stride,
                         rows, columns, accumulate));
    const int64_t tiles = blocks(columns, kColumnTile);
    if (slabs(op) > 0)
      launch(column_parts_kernel<T>, grid(tiles, slabs(op)), kColumnThreads, 0, stream, parts,
             data<T>(op.a), stride, rows, kSlabRows, columns);
    launch(add_parts_kernel, grid(tiles), kColumnThreads, 0, stream, data<float>(op.d_bias), parts,
           slabs(op), columns, columns, accumulate);
  });
}

}  // namespace causeway::cuda
