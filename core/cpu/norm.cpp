// Layer norm and RMS norm: how rows are cut. The arithmetic is in kernels/norm.cpp.
#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway::cpu {
namespace {

/// The weight gradients are summed over this many groups of rows, then over the groups, whatever
/// the number of threads.
constexpr int64_t kGroups = 32;

Rows rows_of(const Tensor& t) {
  return {.data = t.data, .outer = t.stride[0], .inner = t.rank == 3 ? t.stride[1] : 0};
}
int64_t width_of(const Tensor& x) { return x.shape[x.rank - 1]; }
int64_t heads_of(const Tensor& x) { return x.rank == 3 ? x.shape[1] : 1; }
int64_t row_count(const Tensor& x) { return x.shape[0] * heads_of(x); }
float* floats(const Tensor& t) { return static_cast<float*>(t.data); }

/// Rows of one group of the backward.
int64_t rows_per_group(const NormBackward& op) {
  return std::max<int64_t>(8, (row_count(op.x) + kGroups - 1) / kGroups);
}
int64_t group_count(const NormBackward& op) {
  return (row_count(op.x) + rows_per_group(op) - 1) / rows_per_group(op);
}

}  // namespace

void CpuBackend::norm_forward(const NormForward& op) {
  check(op);
  const int act = act_index(op.x.dtype, "norm_forward");
  const NormForwardArgs args{.centered = op.kind == NormKind::LayerNorm,
                             .eps = static_cast<float>(op.eps),
                             .heads = heads_of(op.x),
                             .width = width_of(op.x),
                             .y = rows_of(op.y),
                             .sum = rows_of(op.sum),
                             .x = rows_of(op.x),
                             .branch = rows_of(op.branch),
                             .mean = floats(op.mean),
                             .rstd = floats(op.rstd),
                             .weight = op.weight.data,
                             .bias = op.bias.data};
  in_pieces(row_count(op.x), rows_per_piece(args.width),
            [&](int64_t begin, int64_t end) { kernels_.norm_forward[act](args, begin, end); });
}

void CpuBackend::prepare(const NormBackward& op) {
  check(op);
  scratch_.reserve(0, group_count(op) * 2 * width_of(op.x) * sizeof(float));
}

void CpuBackend::norm_backward(const NormBackward& op) {
  prepare(op);
  const int act = act_index(op.x.dtype, "norm_backward");
  const NormBackwardArgs args{.heads = heads_of(op.x),
                              .width = width_of(op.x),
                              .d_x = rows_of(op.d_x),
                              .d_y = rows_of(op.d_y),
                              .x = rows_of(op.x),
                              .d_residual = rows_of(op.d_residual),
                              .mean = floats(op.mean),
                              .rstd = floats(op.rstd),
                              .weight = op.weight.data};
  const int64_t width = args.width, per_group = rows_per_group(op), groups = group_count(op);
  float* parts = scratch_.shared();  // (groups, 2, C): sums for d_weight, then for d_bias
  in_pieces(row_count(op.x), per_group, [&](int64_t begin, int64_t end) {
    float* part = parts + begin / per_group * 2 * width;
    kernels_.norm_backward[act](args, begin, end, part, op.d_bias ? part + width : nullptr);
  });
  const bool accumulate = op.mode == GradMode::Accumulate;
  in_pieces(width, rows_per_piece(2 * groups), [&](int64_t begin, int64_t end) {
    kernels_.add_parts(floats(op.d_weight) + begin, parts + begin, groups, 2 * width, end - begin,
                       accumulate);
    if (op.d_bias)
      kernels_.add_parts(floats(op.d_bias) + begin, parts + width + begin, groups, 2 * width,
                         end - begin, accumulate);
  });
}

}  // namespace causeway::cpu
