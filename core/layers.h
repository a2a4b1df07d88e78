// The page of layers. A layer is its parameters, `forward`, `backward` directly below it in
// mirrored order, and a typed `Saved` that holds exactly what backward reads. No tape. Gradients of
// parameters go to ctx.grads under ctx.grad_mode; everything else is passed by hand. Read next:
// layers.cpp, model.h.
#pragma once
#include "core/context.h"

namespace causeway {

/// Registers the parameters of one bucket, under one prefix, with the model's initial spread.
struct ParamScope {
  ParamTable& table;
  std::string prefix;
  int bucket;

  ParamId weight(const std::string& name, int64_t rows, int64_t cols, double std) const;
  ParamId vector(const std::string& name, int64_t n, double value) const;
  ParamScope inside(const std::string& name) const { return {table, prefix + name + ".", bucket}; }
};

enum class Bias : uint8_t { No, Yes };

/// y = x · weightᵀ + bias.  weight (O, I), bias (O).
struct Linear {
  ParamId weight = kNoParam, bias = kNoParam;

  Linear() = default;
  Linear(const ParamScope& scope, int64_t in, int64_t out, Bias with_bias, double init_std);

  /// y (N, O), x (N, I); Gelu writes the pre-activation to `pre` (N, O).
  void forward(const Context& ctx, const Tensor& y, const Tensor& x,
               Epilogue epilogue = Epilogue::None, const Tensor& pre = {}) const;
  /// d_x (N, I), d_y (N, O). GeluBackward: d_x is further multiplied by gelu'(pre), pre (N, I).
  void backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y, const Tensor& x,
                Epilogue epilogue = Epilogue::None, const Tensor& pre = {}) const;
};

/// Layer norm or RMS norm over the last dimension, adding a residual branch first when given.
struct Norm {
  NormKind kind = NormKind::LayerNorm;
  double eps = 1e-5;
  ParamId weight = kNoParam, bias = kNoParam;

  struct Saved {
    Tensor x;           ///< (N, C): the normalised input, x + branch
    Tensor mean, rstd;  ///< (N)
  };

  Norm() = default;
  Norm(const ParamScope& scope, NormKind kind, double eps, int64_t width, Bias with_bias);

  /// y = norm(x), or with a branch: sum = x + branch, y = norm(sum). Fills saved.
  void forward(const Context& ctx, const Tensor& y, const Tensor& sum, const Tensor& x,
               const Tensor& branch, Saved& saved) const;
  /// d_x = norm'(d_y) + d_residual.
  void backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y, const Saved& saved,
                const Tensor& d_residual) const;
};

/// The model's norm at its full width, as the config chooses it.
Norm make_norm(const ParamScope& scope, const ModelConfig& config);

/// Causal self-attention with grouped key/value heads and everything section 3 of the design lists.
struct Attention {
  int64_t heads = 0, kv_heads = 0, head_size = 0;
  int layer = 0;
  PositionKind position = PositionKind::None;
  int64_t window = 0;
  double softcap = 0;
  bool qk_norm = false;
  Linear qkv, proj;
  Norm q_norm, k_norm;

  struct Saved {
    Tensor x;          ///< (N, C): the layer's input
    Tensor raw;        ///< (N, (H + 2K)·D): before QK-norm and rope; QK-norm only
    Tensor qkv;        ///< (N, (H + 2K)·D): as attention reads it
    Tensor o;          ///< (N, H·D)
    Tensor lse;        ///< (B, H, T)
    Norm::Saved q, k;  ///< QK-norm only
  };

  Attention() = default;
  Attention(const ParamScope& scope, const ModelConfig& config, int layer);

  /// saved.o = attention(qkv(x)), x (N, C).
  void mix(const Context& ctx, const Tensor& x, Saved& saved) const;
  /// y = proj(saved.o), y (N, C).
  void project(const Context& ctx, const Tensor& y, const Saved& saved) const;
  /// d_x, d_y (N, C).
  void backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y, const Saved& saved) const;

 private:
  AttentionOptions options(const Context& ctx) const;
  void normalise_heads(const Context& ctx, Saved& saved) const;
  void normalise_heads_backward(const Context& ctx, const Tensor& d_qkv, const Saved& saved) const;
  void rotate(const Context& ctx, const Tensor& qkv, RopeDirection direction) const;
};

/// down(activation(up(x))); SwiGLU's `up` holds gate and up, one under the other.
struct Mlp {
  MlpKind kind = MlpKind::Gelu;
  int64_t width = 0;
  Linear up, down;

  struct Saved {
    Tensor x;       ///< (N, C): the layer's input
    Tensor pre;     ///< (N, F), or (N, 2F) for SwiGLU
    Tensor hidden;  ///< (N, F)
  };

  Mlp() = default;
  Mlp(const ParamScope& scope, const ModelConfig& config);

  /// saved.hidden = activation(up(x)), x (N, C).
  void expand(const Context& ctx, const Tensor& x, Saved& saved) const;
  /// y = down(saved.hidden), y (N, C).
  void contract(const Context& ctx, const Tensor& y, const Saved& saved) const;
  /// d_x, d_y (N, C).
  void backward(const Context& ctx, const Tensor& d_x, const Tensor& d_y, const Saved& saved) const;
};

/// x = tokens' rows + positions' rows, then dropout.
struct Embedding {
  ParamId tokens = kNoParam, positions = kNoParam;
  double dropout = 0;
  GradMode tied = GradMode::Overwrite;  ///< Accumulate: the head has already written d_tokens

  Embedding() = default;
  Embedding(const ParamScope& scope, const ModelConfig& config);

  void forward(const Context& ctx, const Tensor& y) const;
  void backward(const Context& ctx, const Tensor& d_y) const;
};

/// Dropout of one site (0: embedding, 1 + 2l and 2 + 2l: the branches of block l).
void apply_dropout(const Context& ctx, const Tensor& y, const Tensor& x, double p, uint32_t site);

/// Logits and cross-entropy, in row chunks: a chunk's logits become their gradient in place, so the
/// full logits never exist twice, and for a large vocabulary not even once.
struct LossHead {
  ParamId weight = kNoParam;  ///< (Vp, C): the head's own, or the token embedding when tied
  int64_t vocab_size = 0, padded_vocab = 0;
  double softcap = 0;
  int64_t most_logits = int64_t{1} << 26;  ///< of a chunk: 256 MiB of f32; more where rows are many

  /// Rows per chunk, by shape only: most_logits, or an eighth of the rows where that is more.
  int64_t chunk_rows(int64_t rows) const;
  /// loss (N) stat. Training: also d_x (N, C), and the weight's gradient. x (N, C).
  void forward_backward(const Context& ctx, const Tensor& loss, const Tensor& d_x,
                        const Tensor& x) const;
  /// loss (N) stat.
  void forward(const Context& ctx, const Tensor& loss, const Tensor& x) const;
  /// logits (N, Vp) act, without the softcap.
  void logits(const Context& ctx, const Tensor& logits, const Tensor& x) const;
};

/// x → x + attention(norm1(x)) → … + mlp(norm2(…)). A branch is not added at once: the next norm
/// adds it in the same pass, so `branch` travels along with x. Recomputation keeps, of the half it
/// applies to, only the residual stream, and runs up to the half's last matmul again in the
/// backward pass.
struct Block {
  int layer = 0;
  double dropout = 0;
  Recompute recompute = Recompute::None;
  Norm norm1, norm2;
  Attention attention;
  Mlp mlp;

  struct Saved {
    Tensor x1, x2;  ///< (N, C): the residual stream as norm1 and norm2 read it
    Norm::Saved norm1, norm2;
    Attention::Saved attention;
    Mlp::Saved mlp;
  };

  Block() = default;
  Block(const ParamScope& scope, const ModelConfig& config, Recompute recompute, int layer);

  /// x (N, C): residual stream without `branch_in` (N, C; absent in the first block) · branch (N,
  /// C): written, this block's last branch; may be the memory of branch_in. The stream after the
  /// block is saved.x2 + branch.
  void forward(const Context& ctx, const Tensor& x, const Tensor& branch_in, const Tensor& branch,
               Saved& saved) const;
  /// d (N, C): gradient of the residual stream, in place from after the block to before it.
  void backward(const Context& ctx, const Tensor& d, Saved& saved) const;

 private:
  void attention_half(const Context& ctx, const Tensor& x, const Tensor& branch,
                      Saved& saved) const;
  void mlp_half(const Context& ctx, const Tensor& x, const Tensor& branch, Saved& saved) const;
  void attention_half_backward(const Context& ctx, const Tensor& d, Saved& saved) const;
  void mlp_half_backward(const Context& ctx, const Tensor& d, Saved& saved) const;
};

}  // namespace causeway
