// A transformer block: two halves, each norm → layer → residual branch. See layers.h.
#include <optional>

#include "core/layers.h"

namespace causeway {
namespace {

NormKind norm_kind(NormChoice choice) {
  return choice == NormChoice::LayerNorm ? NormKind::LayerNorm : NormKind::RmsNorm;
}

/// A scope that frees at its end only `when` asked to: what recomputation does not keep.
std::optional<Arena::Scope> scope_if(bool when, Arena& arena) {
  return when ? std::optional<Arena::Scope>(std::in_place, arena) : std::nullopt;
}

uint32_t attention_site(int layer) { return 1 + 2 * static_cast<uint32_t>(layer); }
uint32_t mlp_site(int layer) { return 2 + 2 * static_cast<uint32_t>(layer); }

/// The gradient of a residual branch: d itself, or d through the branch's dropout. (N, C)
Tensor branch_gradient(const Context& ctx, const Tensor& d, double dropout, uint32_t site) {
  if (dropout == 0) return d;
  const Tensor d_branch = ctx.act("backward.dropout", {d.shape[0], d.shape[1]});
  apply_dropout(ctx, d_branch, d, dropout, site);
  return d_branch;
}

}  // namespace

Norm make_norm(const ParamScope& scope, const ModelConfig& config) {
  const bool with_bias = config.bias && config.norm == NormChoice::LayerNorm;
  return Norm(scope, norm_kind(config.norm), config.norm_eps, config.n_embd,
              with_bias ? Bias::Yes : Bias::No);
}

Block::Block(const ParamScope& scope, const ModelConfig& config, Recompute recompute, int layer)
    : layer(layer),
      dropout(config.dropout),
      recompute(recompute),
      norm1(make_norm(scope.inside("norm1"), config)),
      attention(scope.inside("attention"), config, layer) {
  norm2 = make_norm(scope.inside("norm2"), config);
  mlp = Mlp(scope.inside("mlp"), config);
}

void Block::forward(const Context& ctx, const Tensor& x, const Tensor& branch_in,
                    const Tensor& branch, Saved& saved) const {
  const auto width = x.shape[1];
  saved.x1 = branch_in ? ctx.act("block.x1", {x.shape[0], width}) : x;
  {
    const auto scope = scope_if(recompute == Recompute::Block, ctx.arena);
    attention_half(ctx, x, branch_in, saved);
    attention.project(ctx, branch, saved.attention);
    apply_dropout(ctx, branch, branch, dropout, attention_site(layer));
  }
  saved.x2 = ctx.act("block.x2", {x.shape[0], width});
  {
    const auto scope = scope_if(recompute != Recompute::None, ctx.arena);
    mlp_half(ctx, saved.x1, branch, saved);
    mlp.contract(ctx, branch, saved.mlp);
    apply_dropout(ctx, branch, branch, dropout, mlp_site(layer));
  }
}

void Block::backward(const Context& ctx, const Tensor& d, Saved& saved) const {
  mlp_half_backward(ctx, d, saved);
  attention_half_backward(ctx, d, saved);
}

void Block::attention_half(const Context& ctx, const Tensor& x, const Tensor& branch,
                           Saved& saved) const {
  const Tensor h = ctx.act("block.norm1", {x.shape[0], x.shape[1]});
  norm1.forward(ctx, h, saved.x1, x, branch, saved.norm1);
  attention.mix(ctx, h, saved.attention);
}

void Block::mlp_half(const Context& ctx, const Tensor& x, const Tensor& branch,
                     Saved& saved) const {
  const Tensor h = ctx.act("block.norm2", {x.shape[0], x.shape[1]});
  norm2.forward(ctx, h, saved.x2, x, branch, saved.norm2);
  mlp.expand(ctx, h, saved.mlp);
}

void Block::mlp_half_backward(const Context& ctx, const Tensor& d, Saved& saved) const {
  const Arena::Scope scope(ctx.arena);
  if (recompute != Recompute::None) mlp_half(ctx, saved.x2, {}, saved);
  const Tensor d_h = ctx.act("backward.block", {d.shape[0], d.shape[1]});
  mlp.backward(ctx, d_h, branch_gradient(ctx, d, dropout, mlp_site(layer)), saved.mlp);
  norm2.backward(ctx, d, d_h, saved.norm2, d);
}

void Block::attention_half_backward(const Context& ctx, const Tensor& d, Saved& saved) const {
  const Arena::Scope scope(ctx.arena);
  if (recompute == Recompute::Block) attention_half(ctx, saved.x1, {}, saved);
  const Tensor d_h = ctx.act("backward.block", {d.shape[0], d.shape[1]});
  attention.backward(ctx, d_h, branch_gradient(ctx, d, dropout, attention_site(layer)),
                     saved.attention);
  norm1.backward(ctx, d, d_h, saved.norm1, d);
}

}  // namespace causeway
