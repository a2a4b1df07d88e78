// See ops_check.h. One function per operation; each line is one demand and the words that state it.
#include "core/ops_check.h"

#include "core/ops_demands.h"

namespace causeway {
using namespace demand;

DType stat_dtype(DType act) { return act == DType::BF16 ? DType::F32 : act; }
DType grad_dtype(DType act) { return stat_dtype(act); }
DType scalar_dtype(DType stat) { return stat == DType::C128 ? DType::C128 : DType::F64; }

void check(const Matmul& op) {
  DEMANDS("matmul", {"y", &op.y}, {"a", &op.a}, {"b", &op.b}, {"bias", &op.bias}, {"pre", &op.pre},
          {"d_bias", &op.d_bias});
  demands.expect(matrix(op.y) && matrix(op.a) && matrix(op.b),
                 "matrices y, a and b, dense along rows");
  const bool at = op.a_transpose == Transpose::Yes, bt = op.b_transpose == Transpose::Yes;
  const int64_t m = op.a.shape[at], k = op.a.shape[!at];
  const int64_t n = op.b.shape[!bt];
  const DType act = op.a.dtype;
  demands.expect(op.b.shape[bt] == k,
                 at ? (bt ? "a (K, M) and b (N, K)" : "a (K, M) and b (K, N)")
                    : (bt ? "a (M, K) and b (N, K)" : "a (M, K) and b (K, N)"));
  demands.expect(k > 0, "a depth K of at least one");
  demands.expect(has_shape(op.y, {m, n}), "y (M, N) of the product's shape");
  demands.expect(is_act(act) && op.b.dtype == act, "a and b of one activation dtype");
  demands.expect(op.y.dtype == act || op.y.dtype == grad_dtype(act),
                 "y in the dtype of a and b, or of gradients");
  demands.expect(optional(op.bias, act, {n}), "bias (N) in the dtype of a");
  demands.expect(optional(op.d_bias, grad_dtype(act), {m}), "d_bias (M) in the dtype of gradients");
  const bool plain = op.epilogue == Epilogue::None;
  demands.expect(op.mode == GradMode::Overwrite || (plain && !op.bias),
                 "neither bias nor epilogue with GradMode::Accumulate");
  demands.expect(
      plain ? !op.pre : matrix(op.pre) && op.pre.dtype == act && has_shape(op.pre, {m, n}),
      "pre (M, N) in the dtype of a, exactly when there is an epilogue");
  demands.expect((plain && !op.bias) || op.y.dtype == act,
                 "y in the dtype of a when there is a bias or an epilogue");
  demands.expect(op.epilogue != Epilogue::GeluBackward || !op.bias,
                 "no bias with Epilogue::GeluBackward");
}

void check(const NormForward& op) {
  DEMANDS("norm_forward", {"y", &op.y}, {"mean", &op.mean}, {"rstd", &op.rstd}, {"sum", &op.sum},
          {"x", &op.x}, {"branch", &op.branch}, {"weight", &op.weight}, {"bias", &op.bias});
  demands.expect(norm_rows(op.x) && is_act(op.x.dtype), "x (N, C) or (N, H, C), dense along rows");
  const auto like_x = [&](const Tensor& t) {
    return norm_rows(t) && t.dtype == op.x.dtype && same_shape(t, op.x);
  };
  const int64_t width = op.x.shape[op.x.rank - 1];
  demands.expect(width > 0, "rows of at least one element");
  demands.expect(like_x(op.y), "y of the shape and dtype of x");
  demands.expect(!op.branch || (like_x(op.branch) && like_x(op.sum)),
                 "branch and sum of the shape and dtype of x");
  demands.expect(bool(op.branch) == bool(op.sum), "sum exactly when there is a branch");
  demands.expect(per_row(op.rstd, op.x), "rstd with one statistic per row");
  const bool layer_norm = op.kind == NormKind::LayerNorm;
  demands.expect(layer_norm ? per_row(op.mean, op.x) : !op.mean,
                 layer_norm ? "mean with one statistic per row" : "no mean for RmsNorm");
  demands.expect(dense(op.weight, op.x.dtype, {width}), "weight (C) in the dtype of x");
  demands.expect(optional(op.bias, op.x.dtype, {width}), "bias (C) in the dtype of x");
  demands.expect(layer_norm || !op.bias, "no bias for RmsNorm");
}

void check(const NormBackward& op) {
  DEMANDS("norm_backward", {"d_x", &op.d_x}, {"d_weight", &op.d_weight}, {"d_bias", &op.d_bias},
          {"d_y", &op.d_y}, {"x", &op.x}, {"mean", &op.mean}, {"rstd", &op.rstd},
          {"weight", &op.weight}, {"d_residual", &op.d_residual});
  demands.expect(norm_rows(op.x) && is_act(op.x.dtype), "x (N, C) or (N, H, C), dense along rows");
  const auto like_x = [&](const Tensor& t) {
    return norm_rows(t) && t.dtype == op.x.dtype && same_shape(t, op.x);
  };
  const int64_t width = op.x.shape[op.x.rank - 1];
  const DType grad = grad_dtype(op.x.dtype);
  demands.expect(width > 0, "rows of at least one element");
  demands.expect(like_x(op.d_x) && like_x(op.d_y), "d_x and d_y of the shape and dtype of x");
  demands.expect(!op.d_residual || like_x(op.d_residual), "d_residual of the shape and dtype of x");
  demands.expect(per_row(op.rstd, op.x), "rstd with one statistic per row");
  const bool layer_norm = op.kind == NormKind::LayerNorm;
  demands.expect(layer_norm ? per_row(op.mean, op.x) : !op.mean,
                 layer_norm ? "mean with one statistic per row" : "no mean for RmsNorm");
  demands.expect(dense(op.weight, op.x.dtype, {width}), "weight (C) in the dtype of x");
  demands.expect(dense(op.d_weight, grad, {width}), "d_weight (C) in the dtype of gradients");
  demands.expect(optional(op.d_bias, grad, {width}), "d_bias (C) in the dtype of gradients");
  demands.expect(layer_norm || !op.d_bias, "no d_bias for RmsNorm");
}

namespace {

void check_attention(const Demands& demands, const AttentionOptions& options, const Tensor& q,
                     const Tensor& k, const Tensor& v, const Tensor& o, const Tensor& lse) {
  demands.expect(heads_dense(q) && is_act(q.dtype), "q (B, Tq, H, D) with dense heads");
  demands.expect(heads_dense(k) && k.dtype == q.dtype, "k (B, Tk, K, D) with dense heads, like q");
  demands.expect(heads_dense(v) && v.dtype == q.dtype && same_shape(v, k), "v of the shape of k");
  demands.expect(k.shape[0] == q.shape[0] && k.shape[3] == q.shape[3], "q and k to share B and D");
  demands.expect(k.shape[2] > 0 && q.shape[2] % k.shape[2] == 0, "K to divide H");
  demands.expect(k.shape[1] >= q.shape[1], "at least as many keys as queries");
  demands.expect(heads_dense(o) && o.dtype == q.dtype && same_shape(o, q), "o of the shape of q");
  const DType stat = stat_dtype(q.dtype);
  demands.expect(dense(lse, stat, {q.shape[0], q.shape[2], q.shape[1]}), "lse (B, H, Tq) stat");
  demands.expect(optional(options.alibi_slopes, stat, {q.shape[2]}), "alibi_slopes (H) stat");
  demands.expect(optional(options.segment_start, DType::I32, {q.shape[0], q.shape[1]}),
                 "segment_start (B, Tq) i32");
  demands.expect(options.window >= 0 && options.softcap >= 0, "window and softcap of at least 0");
}

}  // namespace

void check(const AttentionForward& op) {
  DEMANDS("attention_forward", {"o", &op.o}, {"lse", &op.lse}, {"q", &op.q}, {"k", &op.k},
          {"v", &op.v}, {"alibi_slopes", &op.options.alibi_slopes},
          {"segment_start", &op.options.segment_start});
  check_attention(demands, op.options, op.q, op.k, op.v, op.o, op.lse);
}

void check(const AttentionBackward& op) {
  DEMANDS("attention_backward", {"d_q", &op.d_q}, {"d_k", &op.d_k}, {"d_v", &op.d_v},
          {"d_o", &op.d_o}, {"q", &op.q}, {"k", &op.k}, {"v", &op.v}, {"o", &op.o},
          {"lse", &op.lse}, {"alibi_slopes", &op.options.alibi_slopes},
          {"segment_start", &op.options.segment_start});
  check_attention(demands, op.options, op.q, op.k, op.v, op.o, op.lse);
  const auto like = [](const Tensor& t, const Tensor& model) {
    return heads_dense(t) && t.dtype == model.dtype && same_shape(t, model);
  };
  demands.expect(op.q.shape[1] == op.k.shape[1], "as many queries as keys");
  demands.expect(like(op.d_o, op.q) && like(op.d_q, op.q), "d_o and d_q of the shape of q");
  demands.expect(like(op.d_k, op.k) && like(op.d_v, op.k), "d_k and d_v of the shape of k");
}

void check(const CrossEntropy& op) {
  DEMANDS("cross_entropy", {"loss", &op.loss}, {"logits", &op.logits}, {"targets", &op.targets});
  demands.expect(
      op.logits && op.logits.rank == 2 && op.logits.contiguous() && is_act(op.logits.dtype),
      "logits (N, Vp), dense");
  const int64_t rows = op.logits.shape[0];
  demands.expect(dense(op.loss, stat_dtype(op.logits.dtype), {rows}), "loss (N) stat");
  demands.expect(dense(op.targets, DType::I32, {rows}), "targets (N) i32");
  demands.expect(op.vocab_size >= 1 && op.vocab_size <= op.logits.shape[1],
                 "vocab_size between 1 and the columns of logits");
  demands.expect(op.softcap >= 0, "softcap of at least 0");
}

void check(const AdamW& op, std::span<const AdamWSlice> slices) {
  {
    DEMANDS("adamw", {"scalars", &op.scalars});
    demands.expect(op.scalars && has_shape(op.scalars, {kStepScalars}) && op.scalars.contiguous() &&
                       scalar_dtype(op.scalars.dtype) == op.scalars.dtype,
                   "scalars (kStepScalars) f64");
    demands.expect(op.step >= 1, "a step of at least 1");
  }
  for (const AdamWSlice& s : slices) {
    DEMANDS("adamw", {"value", &s.value}, {"master", &s.master}, {"m", &s.m}, {"v", &s.v},
            {"grad", &s.grad});
    demands.expect(s.value && s.value.rank == 1 && is_act(s.value.dtype), "a flat value");
    const DType stat = stat_dtype(s.value.dtype);
    const int64_t n = s.value.shape[0];
    demands.expect(dense(s.value, {n}) && dense(s.m, stat, {n}) && dense(s.v, stat, {n}) &&
                       dense(s.grad, grad_dtype(s.value.dtype), {n}),
                   "value, m, v and grad of one length, moments and gradient in f32");
    demands.expect(!s.master || (s.value.dtype == DType::BF16 && dense(s.master, stat, {n})),
                   "an f32 master only when value is bf16");
    demands.expect(s.offset >= 0 && s.offset % 4 == 0, "an offset in multiples of 4");
  }
}

}  // namespace causeway
