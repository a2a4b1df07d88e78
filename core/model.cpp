// See model.h.
#include "core/model.h"

#include <optional>

namespace causeway {

Model::Model(const ModelConfig& config, Recompute recompute) : config_(config) {
  CHECK(config.vocab_size.has_value(), "the vocabulary's size must be known");
  const int layers = static_cast<int>(config.n_layer);
  embedding_ = Embedding({params_, "embedding.", 0}, config);
  for (int l = 0; l < layers; ++l)
    blocks_.emplace_back(ParamScope{params_, fmt::format("blocks.{}.", l), l + 1}, config,
                         recompute, l);
  const ParamScope last{params_, "", layers + 1};
  final_norm_ = make_norm(last.inside("final_norm"), config);
  head_ = {.weight = embedding_.tokens,
           .vocab_size = *config.vocab_size,
           .padded_vocab = config.padded_vocab(),
           .softcap = config.logit_softcap};
  if (!config.tie_embeddings)
    head_.weight = params_.add({.name = "head.weight",
                                .rows = config.padded_vocab(),
                                .cols = config.n_embd,
                                .valid_rows = *config.vocab_size,
                                .init_std = config.init_std(),
                                .bucket = last.bucket});
  saved_.resize(blocks_.size());
}

Tensor Model::trunk(const Context& ctx) {
  const int64_t n = ctx.batch.rows(), width = config_.n_embd;
  Tensor x = ctx.act("embedding", {n, width});
  const Tensor branch = ctx.act("block.branch", {n, width});
  embedding_.forward(ctx, x);
  Tensor branch_in;  // the first block has none to add
  for (size_t l = 0; l < blocks_.size(); ++l) {
    std::optional<Arena::Scope> forget;  // without a backward pass, a block leaves only the stream
    if (ctx.phase == Phase::Eval) forget.emplace(ctx.arena);
    blocks_[l].forward(ctx, x, branch_in, branch, saved_[l]);
    if (forget)
      ctx.ops.copy(x, saved_[l].x2);
    else
      x = saved_[l].x2;
    branch_in = branch;
  }
  const Tensor sum = ctx.act("final_norm.x", {n, width});
  const Tensor h = ctx.act("final_norm", {n, width});
  final_norm_.forward(ctx, h, sum, x, branch_in, saved_final_);
  return h;
}

void Model::forward_backward(const Context& ctx, const Tensor& total) {
  const Arena::Scope scope(ctx.arena);
  const int64_t n = ctx.batch.rows(), width = config_.n_embd;
  const Tensor h = trunk(ctx);
  const Tensor row_loss = ctx.stat("loss.rows", {n});
  const Tensor d_h = ctx.act("backward.final_norm", {n, width});
  head_.forward_backward(ctx, row_loss, d_h, h);
  ctx.ops.sum(total, row_loss);

  const Tensor d = ctx.act("backward.residual", {n, width});
  final_norm_.backward(ctx, d, d_h, saved_final_, {});
  ctx.finish_bucket(static_cast<int>(blocks_.size()) + 1);
  for (size_t l = blocks_.size(); l-- > 0;) {
    blocks_[l].backward(ctx, d, saved_[l]);
    ctx.finish_bucket(static_cast<int>(l) + 1);
  }
  embedding_.backward(ctx, d);
  ctx.finish_bucket(0);
}

void Model::loss(const Context& ctx, const Tensor& total) {
  const Arena::Scope scope(ctx.arena);
  const Tensor h = trunk(ctx);
  const Tensor row_loss = ctx.stat("loss.rows", {ctx.batch.rows()});
  head_.forward(ctx, row_loss, h);
  ctx.ops.sum(total, row_loss);
}

void Model::next_logits(const Context& ctx, const Tensor& logits) {
  const Arena::Scope scope(ctx.arena);
  const Tensor h = trunk(ctx);
  head_.logits(ctx, logits, h.slice(0, ctx.batch.rows() - 1, 1));
  if (ctx.cache) ctx.cache->advance(ctx.batch.T);
}

void Model::all_logits(const Context& ctx, const Tensor& logits) {
  const Arena::Scope scope(ctx.arena);
  head_.logits(ctx, logits, trunk(ctx));
}

}  // namespace causeway
