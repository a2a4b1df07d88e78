// Token, position and rotary embedding: how work is cut. Arithmetic: kernels/positions.cpp.
#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway::cpu {
namespace {

const int32_t* ints(const Tensor& t) { return static_cast<const int32_t*>(t.data); }

/// Columns of the table one thread owns in the backward: it adds all tokens to them, in order.
constexpr int64_t kColumns = 64;

}  // namespace

void CpuBackend::embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                                   const Tensor& wpe, const Tensor& position) {
  check_embedding_forward(y, tokens, wte, wpe, position);
  const int act = act_index(y.dtype, "embedding_forward");
  check_indices(tokens, 0, wte.shape[0], "embedding_forward", "tokens");
  if (wpe && position) check_indices(position, 0, wpe.shape[0], "embedding_forward", "position");
  const int64_t width = y.shape[1];
  in_pieces(y.shape[0], rows_per_piece(width), [&](int64_t begin, int64_t end) {
    kernels_.embed[act](y.data, ints(tokens), wte.data, wpe.data, ints(position), tokens.shape[1],
                        width, begin, end);
  });
}

void CpuBackend::embedding_backward(const EmbeddingBackward& op) {
  check(op);
  const Tensor &d_wte = op.d_wte, &d_wpe = op.d_wpe, &d_y = op.d_y;
  const Tensor &tokens = op.tokens, &position = op.position;
  const int act = act_index(d_y.dtype, "embedding_backward");
  const int64_t rows = d_y.shape[0], width = d_y.shape[1], times = tokens.shape[1];
  if (d_wte) check_indices(tokens, 0, d_wte.shape[0], "embedding_backward", "tokens");
  if (d_wpe && position)
    check_indices(position, 0, d_wpe.shape[0], "embedding_backward", "position");
  if (d_wte && op.wte_mode == GradMode::Overwrite) zero(d_wte);
  if (d_wpe && op.wpe_mode == GradMode::Overwrite) zero(d_wpe);
  in_pieces(width, kColumns, [&](int64_t begin, int64_t end) {
    if (d_wte)
      kernels_.scatter_add[act](d_wte.as<float>(), ints(tokens), d_y.data, rows, times, width,
                                begin, end);
    if (d_wpe)
      kernels_.scatter_add[act](d_wpe.as<float>(), ints(position), d_y.data, rows, times, width,
                                begin, end);
  });
}

void CpuBackend::rope(const Tensor& x, const Tensor& table, const Tensor& position,
                      RopeDirection direction) {
  check_rope(x, table, position);
  const int act = act_index(x.dtype, "rope");
  if (position) check_indices(position, 0, table.shape[0], "rope", "position");
  const RopeArgs args{.x = x.data,
                      .batch_stride = x.stride[0],
                      .time_stride = x.stride[1],
                      .times = x.shape[1],
                      .heads = x.shape[2],
                      .width = x.shape[3],
                      .table = table.as<float>(),
                      .position = ints(position),
                      .sine_sign = direction == RopeDirection::Forward ? 1.0f : -1.0f};
  in_pieces(x.shape[0] * x.shape[1], rows_per_piece(args.heads * args.width),
            [&](int64_t begin, int64_t end) { kernels_.rope[act](args, begin, end); });
}

}  // namespace causeway::cpu
