// Linear, norm, MLP, embedding and loss: see layers.h. Read next: attention.cpp, block.cpp.
#include "core/layers.h"

#include <algorithm>

namespace causeway {

ParamId ParamScope::weight(const std::string& name, int64_t rows, int64_t cols, double std) const {
  return table.add(
      {.name = prefix + name, .rows = rows, .cols = cols, .init_std = std, .bucket = bucket});
}

ParamId ParamScope::vector(const std::string& name, int64_t n, double value) const {
  return table.add({.name = prefix + name, .rows = n, .init_mean = value, .bucket = bucket});
}

// ---- Linear
// ---------------------------------------------------------------------------------------

Linear::Linear(const ParamScope& scope, int64_t in, int64_t out, Bias with_bias, double init_std)
    : weight(scope.weight("weight", out, in, init_std)),
      bias(with_bias == Bias::Yes ? scope.vector("bias", out, 0) : kNoParam) {}

void Linear::forward(const Context& ctx, const Tensor& y, const Tensor& x, Epilogue epilogue,
                     const Tensor& pre) const {
  ctx.ops.matmul({.y = y,
                  .a = x,
                  .b = ctx.value(weight),
                  .b_transpose = Transpose::Yes,
                  .bias = ctx.optional_value(bias),
                  .epilogue = epilogue,
                  .pre = pre});
}

void Linear::backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y, const Tensor& x,
                      Epilogue epilogue, const Tensor& pre) const {
  ctx.ops.matmul({.y = ctx.grad(weight),
                  .a = d_y,
                  .b = x,
                  .a_transpose = Transpose::Yes,
                  .mode = ctx.grad_mode,
                  .d_bias = ctx.optional_grad(bias)});
  ctx.ops.matmul({.y = d_x, .a = d_y, .b = ctx.value(weight), .epilogue = epilogue, .pre = pre});
}

// ---- Norm
// -----------------------------------------------------------------------------------------

Norm::Norm(const ParamScope& scope, NormKind kind, double eps, int64_t width, Bias with_bias)
    : kind(kind),
      eps(eps),
      weight(scope.vector("weight", width, 1)),
      bias(with_bias == Bias::Yes ? scope.vector("bias", width, 0) : kNoParam) {}

void Norm::forward(const Context& ctx, const Tensor& y, const Tensor& sum, const Tensor& x,
                   const Tensor& branch, Saved& saved) const {
  saved.x = branch ? sum : x;
  const auto row_stat = [&](std::string_view name) {
    return x.rank == 2 ? ctx.stat(name, {x.shape[0]}) : ctx.stat(name, {x.shape[0], x.shape[1]});
  };
  saved.mean = kind == NormKind::LayerNorm ? row_stat("norm.mean") : Tensor{};
  saved.rstd = row_stat("norm.rstd");
  ctx.ops.norm_forward({.kind = kind,
                        .eps = eps,
                        .y = y,
                        .mean = saved.mean,
                        .rstd = saved.rstd,
                        .sum = branch ? sum : Tensor{},
                        .x = x,
                        .branch = branch,
                        .weight = ctx.value(weight),
                        .bias = ctx.optional_value(bias)});
}

void Norm::backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y, const Saved& saved,
                    const Tensor& d_residual) const {
  ctx.ops.norm_backward({.kind = kind,
                         .mode = ctx.grad_mode,
                         .d_x = d_x,
                         .d_weight = ctx.grad(weight),
                         .d_bias = ctx.optional_grad(bias),
                         .d_y = d_y,
                         .x = saved.x,
                         .mean = saved.mean,
                         .rstd = saved.rstd,
                         .weight = ctx.value(weight),
                         .d_residual = d_residual});
}

// ---- Mlp
// ------------------------------------------------------------------------------------------

namespace {
Activation activation_of(MlpKind kind) {
  switch (kind) {
    case MlpKind::Gelu:
      return Activation::Gelu;
    case MlpKind::SwiGlu:
      return Activation::SwiGlu;
    case MlpKind::Relu2:
      return Activation::Relu2;
  }
  return Activation::Gelu;
}
}  // namespace

Mlp::Mlp(const ParamScope& scope, const ModelConfig& config)
    : kind(config.mlp), width(config.mlp_width()) {
  const Bias bias = config.bias ? Bias::Yes : Bias::No;
  const int64_t expanded = kind == MlpKind::SwiGlu ? 2 * width : width;
  up = Linear(scope.inside("up"), config.n_embd, expanded, bias, config.init_std());
  down = Linear(scope.inside("down"), width, config.n_embd, bias, config.residual_init_std());
}

void Mlp::expand(const Context& ctx, const Tensor& x, Saved& saved) const {
  const int64_t n = x.shape[0];
  saved.x = x;
  saved.pre = ctx.act("mlp.pre", {n, kind == MlpKind::SwiGlu ? 2 * width : width});
  saved.hidden = ctx.act("mlp.hidden", {n, width});
  if (kind == MlpKind::Gelu) {
    up.forward(ctx, saved.hidden, x, Epilogue::Gelu, saved.pre);
  } else {
    up.forward(ctx, saved.pre, x);
    ctx.ops.activation_forward(activation_of(kind), saved.hidden, saved.pre);
  }
}

void Mlp::contract(const Context& ctx, const Tensor& y, const Saved& saved) const {
  down.forward(ctx, y, saved.hidden);
}

void Mlp::backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y,
                   const Saved& saved) const {
  const Arena::Scope scope(ctx.arena);
  const int64_t n = d_y.shape[0];
  const Tensor d_pre = ctx.act("backward.mlp.pre", {n, saved.pre.shape[1]});
  if (kind == MlpKind::Gelu) {
    down.backward(ctx, d_pre, d_y, saved.hidden, Epilogue::GeluBackward, saved.pre);
  } else {
    const Tensor d_hidden = ctx.act("backward.mlp.hidden", {n, width});
    down.backward(ctx, d_hidden, d_y, saved.hidden);
    ctx.ops.activation_backward(activation_of(kind), d_pre, d_hidden, saved.pre);
  }
  up.backward(ctx, d_x, d_pre, saved.x);
}

// ---- Embedding
// ------------------------------------------------------------------------------------

Embedding::Embedding(const ParamScope& scope, const ModelConfig& config)
    : tokens(scope.table.add({.name = scope.prefix + "tokens.weight",
                              .rows = config.padded_vocab(),
                              .cols = config.n_embd,
                              .valid_rows = config.vocab_size.value(),
                              .init_std = config.init_std(),
                              .bucket = scope.bucket})),
      dropout(config.dropout),
      tied(config.tie_embeddings ? GradMode::Accumulate : GradMode::Overwrite) {
  if (config.position == PositionKind::Learned)
    positions =
        scope.weight("positions.weight", config.block_size, config.n_embd, config.init_std());
}

void Embedding::forward(const Context& ctx, const Tensor& y) const {
  const Tensor wpe = positions == kNoParam ? ctx.tables.sinusoid : ctx.value(positions);
  ctx.ops.embedding_forward(y, ctx.batch.tokens, ctx.value(tokens), wpe, ctx.batch.position);
  apply_dropout(ctx, y, y, dropout, 0);
}

void Embedding::backward(const Context& ctx, const Tensor& d_y) const {
  apply_dropout(ctx, d_y, d_y, dropout, 0);
  const GradMode mode = tied == GradMode::Accumulate ? tied : ctx.grad_mode;
  ctx.ops.embedding_backward({.d_wte = ctx.grad(tokens),
                              .wte_mode = mode,
                              .d_wpe = ctx.optional_grad(positions),
                              .wpe_mode = ctx.grad_mode,
                              .d_y = d_y,
                              .tokens = ctx.batch.tokens,
                              .position = ctx.batch.position});
}

void apply_dropout(const Context& ctx, const Tensor& y, const Tensor& x, double p, uint32_t site) {
  if (p == 0 || ctx.phase == Phase::Eval) return;
  ctx.ops.dropout(y, x, p,
                  {.seed = ctx.seed,
                   .purpose = RandomPurpose::Dropout,
                   .layer = site,
                   .index = ctx.micro_batch});
}

// ---- LossHead
// -------------------------------------------------------------------------------------

int64_t LossHead::chunk_rows(int64_t rows) const {
  constexpr int64_t kChunks = 8;  // every one of them reads and writes the weight's whole gradient
  const int64_t few = std::max<int64_t>(64, most_logits / padded_vocab / 64 * 64);
  const int64_t eighth = (rows + kChunks - 1) / kChunks;
  return std::min(rows, std::max(few, (eighth + 63) / 64 * 64));
}

void LossHead::logits(const Context& ctx, const Tensor& logits, const Tensor& x) const {
  ctx.ops.matmul({.y = logits, .a = x, .b = ctx.value(weight), .b_transpose = Transpose::Yes});
}

void LossHead::forward(const Context& ctx, const Tensor& loss, const Tensor& x) const {
  const Arena::Scope scope(ctx.arena);
  const int64_t rows = x.shape[0], chunk = chunk_rows(rows);
  const Tensor buffer = ctx.act("loss.logits", {chunk, padded_vocab});
  const Tensor targets = ctx.batch.targets.view({rows});
  for (int64_t begin = 0; begin < rows; begin += chunk) {
    const int64_t n = std::min(chunk, rows - begin);
    const Tensor z = buffer.slice(0, 0, n);
    logits(ctx, z, x.slice(0, begin, n));
    ctx.ops.cross_entropy({.mode = LossMode::LossOnly,
                           .loss = loss.slice(0, begin, n),
                           .logits = z,
                           .targets = targets.slice(0, begin, n),
                           .vocab_size = vocab_size,
                           .softcap = softcap});
  }
}

void LossHead::forward_backward(const Context& ctx, const Tensor& loss, const Tensor& d_x,
                                const Tensor& x) const {
  const Arena::Scope scope(ctx.arena);
  const int64_t rows = x.shape[0], chunk = chunk_rows(rows);
  const Tensor buffer = ctx.act("loss.logits", {chunk, padded_vocab});
  const Tensor targets = ctx.batch.targets.view({rows});
  for (int64_t begin = 0; begin < rows; begin += chunk) {
    const int64_t n = std::min(chunk, rows - begin);
    const Tensor z = buffer.slice(0, 0, n), x_rows = x.slice(0, begin, n);
    logits(ctx, z, x_rows);
    ctx.ops.cross_entropy({.mode = LossMode::LossAndGradient,
                           .loss = loss.slice(0, begin, n),
                           .logits = z,
                           .targets = targets.slice(0, begin, n),
                           .vocab_size = vocab_size,
                           .softcap = softcap,
                           .scale = ctx.gradient_scale});
    ctx.ops.matmul({.y = ctx.grad(weight),
                    .a = z,
                    .b = x_rows,
                    .a_transpose = Transpose::Yes,
                    .mode = begin == 0 ? ctx.grad_mode : GradMode::Accumulate});
    ctx.ops.matmul({.y = d_x.slice(0, begin, n), .a = z, .b = ctx.value(weight)});
  }
}

}  // namespace causeway
