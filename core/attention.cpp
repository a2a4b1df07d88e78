// The attention layer: qkv → (QK-norm) → (rope) → attention → proj. See layers.h.
#include <cmath>

#include "core/kv_cache.h"
#include "core/layers.h"

namespace causeway {
namespace {

/// The packed (N, (H + 2K)·D) of a micro-batch, seen as q, k and v, each (B, T, heads, D).
struct Heads {
  Tensor q, k, v;

  Heads(const Attention& a, const Batch& batch, const Tensor& qkv) {
    const int64_t total = a.heads + 2 * a.kv_heads;
    const Tensor all = qkv.view({batch.B, batch.T, total, a.head_size});
    q = all.slice(2, 0, a.heads);
    k = all.slice(2, a.heads, a.kv_heads);
    v = all.slice(2, a.heads + a.kv_heads, a.kv_heads);
  }
};

/// Heads [begin, begin + count) of the packed tensor as rows of head_size: (N, count, D).
Tensor head_rows(const Attention& a, const Tensor& qkv, int64_t begin, int64_t count) {
  return qkv.view({qkv.shape[0], a.heads + 2 * a.kv_heads, a.head_size}).slice(1, begin, count);
}

}  // namespace

Attention::Attention(const ParamScope& scope, const ModelConfig& config, int layer)
    : heads(config.n_head),
      kv_heads(config.kv_heads()),
      head_size(config.head_dim()),
      layer(layer),
      position(config.position),
      window(config.sliding_window),
      softcap(config.attention_softcap),
      qk_norm(config.qk_norm) {
  const Bias bias = config.bias ? Bias::Yes : Bias::No;
  qkv = Linear(scope.inside("qkv"), config.n_embd, (heads + 2 * kv_heads) * head_size, bias,
               config.init_std());
  if (qk_norm) {
    q_norm = Norm(scope.inside("q_norm"), NormKind::RmsNorm, config.norm_eps, head_size, Bias::No);
    k_norm = Norm(scope.inside("k_norm"), NormKind::RmsNorm, config.norm_eps, head_size, Bias::No);
  }
  proj = Linear(scope.inside("proj"), heads * head_size, config.n_embd, bias,
                config.residual_init_std());
}

void Attention::mix(const Context& ctx, const Tensor& x, Saved& saved) const {
  const Batch& batch = ctx.batch;
  saved.x = x;
  saved.qkv = ctx.act("attention.qkv", {batch.rows(), (heads + 2 * kv_heads) * head_size});
  saved.o = ctx.act("attention.o", {batch.rows(), heads * head_size});
  saved.lse = ctx.stat("attention.lse", {batch.B, heads, batch.T});
  if (qk_norm) {
    saved.raw = ctx.act("attention.raw", {batch.rows(), saved.qkv.shape[1]});
    qkv.forward(ctx, saved.raw, x);
    normalise_heads(ctx, saved);
  } else {
    qkv.forward(ctx, saved.qkv, x);
  }
  rotate(ctx, saved.qkv, RopeDirection::Forward);
  Heads parts(*this, batch, saved.qkv);
  if (ctx.cache) {  // generation: today's keys and values join the earlier ones
    parts.k = ctx.cache->append_keys(ctx.ops, layer, parts.k);
    parts.v = ctx.cache->append_values(ctx.ops, layer, parts.v);
  }
  ctx.ops.attention_forward({.options = options(ctx),
                             .o = saved.o.view({batch.B, batch.T, heads, head_size}),
                             .lse = saved.lse,
                             .q = parts.q,
                             .k = parts.k,
                             .v = parts.v});
}

void Attention::project(const Context& ctx, const Tensor& y, const Saved& saved) const {
  proj.forward(ctx, y, saved.o);
}

void Attention::backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y,
                         const Saved& saved) const {
  const Arena::Scope scope(ctx.arena);
  const Batch& batch = ctx.batch;
  const Tensor d_o = ctx.act("backward.attention.o", {batch.rows(), heads * head_size});
  proj.backward(ctx, d_o, d_y, saved.o);

  const Tensor d_qkv = ctx.act("backward.attention.qkv", {batch.rows(), saved.qkv.shape[1]});
  const Heads parts(*this, batch, saved.qkv), d(*this, batch, d_qkv);
  ctx.ops.attention_backward({.options = options(ctx),
                              .d_q = d.q,
                              .d_k = d.k,
                              .d_v = d.v,
                              .d_o = d_o.view({batch.B, batch.T, heads, head_size}),
                              .q = parts.q,
                              .k = parts.k,
                              .v = parts.v,
                              .o = saved.o.view({batch.B, batch.T, heads, head_size}),
                              .lse = saved.lse});
  rotate(ctx, d_qkv, RopeDirection::Backward);
  if (qk_norm) normalise_heads_backward(ctx, d_qkv, saved);
  qkv.backward(ctx, d_x, d_qkv, saved.x);
}

AttentionOptions Attention::options(const Context& ctx) const {
  return {.scale = 1 / std::sqrt(static_cast<double>(head_size)),
          .window = window,
          .softcap = softcap,
          .alibi_slopes = ctx.tables.alibi_slopes,
          .segment_start = ctx.batch.segment_start};
}

void Attention::normalise_heads(const Context& ctx, Saved& saved) const {
  const auto rows = [&](const Tensor& t, int64_t begin, int64_t count) {
    return head_rows(*this, t, begin, count);
  };
  q_norm.forward(ctx, rows(saved.qkv, 0, heads), {}, rows(saved.raw, 0, heads), {}, saved.q);
  k_norm.forward(ctx, rows(saved.qkv, heads, kv_heads), {}, rows(saved.raw, heads, kv_heads), {},
                 saved.k);
  const int64_t v_begin = heads + kv_heads;
  ctx.ops.copy(rows(saved.qkv, v_begin, kv_heads), rows(saved.raw, v_begin, kv_heads));
}

void Attention::normalise_heads_backward(const Context& ctx, const Tensor& d_qkv,
                                         const Saved& saved) const {
  const Tensor d_q = head_rows(*this, d_qkv, 0, heads);
  const Tensor d_k = head_rows(*this, d_qkv, heads, kv_heads);
  k_norm.backward(ctx, d_k, d_k, saved.k, {});
  q_norm.backward(ctx, d_q, d_q, saved.q, {});
}

void Attention::rotate(const Context& ctx, const Tensor& qkv, RopeDirection direction) const {
  if (position != PositionKind::Rope) return;
  // Queries and keys lie side by side, so one call turns both.
  const Tensor all = qkv.view({ctx.batch.B, ctx.batch.T, heads + 2 * kv_heads, head_size});
  ctx.ops.rope(all.slice(2, 0, heads + kv_heads), ctx.tables.rope, ctx.batch.position, direction);
}

}  // namespace causeway
