// The checks of the operations that take plain arguments. See ops_check.h.
#include "core/ops_demands.h"

namespace causeway {
using namespace demand;

namespace {
/// (B, T) i32.
bool per_token(const Tensor& t) {
  return t && t.rank == 2 && t.dtype == DType::I32 && t.contiguous();
}
/// A table of rows, (R, C), dense.
bool table_of(const Tensor& t, int64_t width) {
  return t && t.rank == 2 && t.shape[1] == width && t.contiguous();
}
}  // namespace

void check_copy(const Tensor& dst, const Tensor& src) {
  DEMANDS("copy", {"dst", &dst}, {"src", &src});
  demands.expect(dst && src && dst.dtype == src.dtype && same_shape(dst, src),
                 "dst and src of one shape and dtype");
  demands.expect(last_dense(dst) && last_dense(src), "dst and src with a dense last dimension");
}

void check_embedding_forward(const Tensor& y, const Tensor& tokens, const Tensor& wte,
                             const Tensor& wpe, const Tensor& position) {
  DEMANDS("embedding_forward", {"y", &y}, {"tokens", &tokens}, {"wte", &wte}, {"wpe", &wpe},
          {"position", &position});
  demands.expect(per_token(tokens), "tokens (B, T) i32");
  demands.expect(
      y && y.rank == 2 && is_act(y.dtype) && y.contiguous() && y.shape[0] == tokens.numel(),
      "y (B·T, C)");
  demands.expect(table_of(wte, y.shape[1]) && wte.dtype == y.dtype, "wte (V, C) in the dtype of y");
  demands.expect(!wpe || (table_of(wpe, y.shape[1]) && wpe.dtype == y.dtype),
                 "wpe (T, C) in the dtype of y");
  demands.expect(!wpe || position || wpe.shape[0] >= tokens.shape[1],
                 "wpe with a row for every position");
  demands.expect(!position || (per_token(position) && same_shape(position, tokens)),
                 "position (B, T) i32");
}

void check(const EmbeddingBackward& op) {
  const auto& [d_wte, wte_mode, d_wpe, wpe_mode, d_y, tokens, position] = op;
  DEMANDS("embedding_backward", {"d_wte", &d_wte}, {"d_wpe", &d_wpe}, {"d_y", &d_y},
          {"tokens", &tokens}, {"position", &position});
  demands.expect(per_token(tokens), "tokens (B, T) i32");
  demands.expect(d_y && d_y.rank == 2 && is_act(d_y.dtype) && d_y.contiguous() &&
                     d_y.shape[0] == tokens.numel(),
                 "d_y (B·T, C)");
  const DType grad = grad_dtype(d_y.dtype);
  demands.expect(!d_wte || (table_of(d_wte, d_y.shape[1]) && d_wte.dtype == grad),
                 "d_wte (V, C) in the dtype of gradients");
  demands.expect(!d_wpe || (table_of(d_wpe, d_y.shape[1]) && d_wpe.dtype == grad),
                 "d_wpe (T, C) in the dtype of gradients");
  demands.expect(!d_wpe || position || d_wpe.shape[0] >= tokens.shape[1],
                 "d_wpe with a row for every position");
  demands.expect(!position || (per_token(position) && same_shape(position, tokens)),
                 "position (B, T) i32");
}

void check_rope(const Tensor& x, const Tensor& table, const Tensor& position) {
  DEMANDS("rope", {"x", &x}, {"table", &table}, {"position", &position});
  demands.expect(heads_dense(x) && is_act(x.dtype) && x.shape[3] % 2 == 0,
                 "x (B, T, H, D) with dense heads and even D");
  demands.expect(table_of(table, x.shape[3]) && table.dtype == stat_dtype(x.dtype),
                 "table (T, D) stat");
  demands.expect(position || table.shape[0] >= x.shape[1], "a table row for every position");
  demands.expect(!position || dense(position, DType::I32, {x.shape[0], x.shape[1]}),
                 "position (B, T) i32");
}

namespace {
bool fits_activation(Activation kind, const Tensor& narrow, const Tensor& wide) {
  const int64_t factor = kind == Activation::SwiGlu ? 2 : 1;
  return narrow && wide && narrow.rank == 2 && is_act(narrow.dtype) && narrow.contiguous() &&
         dense(wide, narrow.dtype, {narrow.shape[0], factor * narrow.shape[1]});
}
}  // namespace

void check_activation_forward(Activation kind, const Tensor& y, const Tensor& x) {
  DEMANDS("activation_forward", {"y", &y}, {"x", &x});
  demands.expect(fits_activation(kind, y, x),
                 kind == Activation::SwiGlu ? "y (N, F) and x (N, 2F)" : "y and x (N, F)");
}

void check_activation_backward(Activation kind, const Tensor& d_x, const Tensor& d_y,
                               const Tensor& x) {
  DEMANDS("activation_backward", {"d_x", &d_x}, {"d_y", &d_y}, {"x", &x});
  demands.expect(
      fits_activation(kind, d_y, x) && fits_activation(kind, d_y, d_x),
      kind == Activation::SwiGlu ? "d_y (N, F), x and d_x (N, 2F)" : "d_y, x and d_x (N, F)");
}

void check_dropout(const Tensor& y, const Tensor& x, double p) {
  DEMANDS("dropout", {"y", &y}, {"x", &x});
  demands.expect(x && y && is_act(x.dtype) && y.dtype == x.dtype && same_shape(x, y) &&
                     x.contiguous() && y.contiguous(),
                 "y and x of one shape and dtype, dense");
  demands.expect(p >= 0 && p < 1, "0 <= p < 1");
}

void check_sum(const Tensor& out, const Tensor& x) {
  DEMANDS("sum", {"out", &out}, {"x", &x});
  demands.expect(x && x.contiguous() && x.dtype == stat_dtype(x.dtype) && is_act(x.dtype),
                 "x (N) stat, dense");
  demands.expect(dense(out, scalar_dtype(x.dtype), {1}), "out (1) f64");
}

void check_sum_of_squares(const Tensor& partials, const Tensor& x) {
  DEMANDS("sum_of_squares", {"partials", &partials}, {"x", &x});
  demands.expect(x && x.contiguous() && x.dtype == grad_dtype(x.dtype) && is_act(x.dtype),
                 "x (n) in the dtype of gradients, dense");
  demands.expect(
      dense(partials, scalar_dtype(x.dtype), {(x.numel() + kNormChunk - 1) / kNormChunk}),
      "partials f64 with one element per kNormChunk elements of x");
}

void check_clip_and_guard(const Tensor& scalars, const Tensor& partials, const Tensor& losses,
                          double max_norm) {
  DEMANDS("clip_and_guard", {"scalars", &scalars}, {"partials", &partials}, {"losses", &losses});
  demands.expect(
      scalars && scalar_dtype(scalars.dtype) == scalars.dtype && dense(scalars, {kStepScalars}),
      "scalars (kStepScalars) f64");
  demands.expect(partials && partials.contiguous() && partials.dtype == scalars.dtype,
                 "partials (P) f64");
  demands.expect(losses && losses.contiguous() && losses.dtype == scalars.dtype, "losses (M) f64");
  demands.expect(max_norm >= 0, "max_norm of at least 0");
}

void check_axpby(const Tensor& y, const Tensor& x) {
  DEMANDS("axpby", {"y", &y}, {"x", &x});
  demands.expect(x && y && is_act(x.dtype) && y.dtype == x.dtype && same_shape(x, y) &&
                     x.contiguous() && y.contiguous(),
                 "y and x of one shape and dtype, dense");
}

void check_cast(const Tensor& y, const Tensor& x) {
  DEMANDS("cast", {"y", &y}, {"x", &x});
  demands.expect(x && y && is_act(x.dtype) && is_act(y.dtype) && same_shape(x, y) &&
                     x.contiguous() && y.contiguous(),
                 "y and x of one shape, floating point, dense");
}

}  // namespace causeway
