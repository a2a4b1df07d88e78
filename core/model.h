// The model: a GPT as the config describes it, GPT-2 and Llama being two points of one family.
// It holds layers and the parameter table but no memory; a Context brings that.
// Read next: block.cpp (a block's recipe), model.cpp, model_state.h (who owns the memory).
#pragma once
#include <vector>

#include "core/kv_cache.h"
#include "core/layers.h"

namespace causeway {

class Model {
 public:
  /// `config` must be resolved, vocab_size included.
  explicit Model(const ModelConfig& config, Recompute recompute = Recompute::None);

  const ModelConfig& config() const { return config_; }
  const ParamTable& params() const { return params_; }

  /// One micro-batch: total (1) f64 = Σ row losses (gradient_scale not applied); gradients of
  /// gradient_scale · Σ loss go to ctx.grads under ctx.grad_mode.
  void forward_backward(const Context& ctx, const Tensor& total);
  /// One micro-batch without gradients: total (1) f64 = Σ row losses.
  void loss(const Context& ctx, const Tensor& total);
  /// Logits (1, Vp) act of the last position of ctx.batch (B = 1); ctx.cache grows by T.
  void next_logits(const Context& ctx, const Tensor& logits);
  /// Logits (N, Vp) act of every position, without a cache.
  void all_logits(const Context& ctx, const Tensor& logits);

 private:
  /// The final norm's output (N, C); fills saved_.
  Tensor trunk(const Context& ctx);

  ModelConfig config_;
  ParamTable params_;
  Embedding embedding_;
  std::vector<Block> blocks_;
  Norm final_norm_;
  LossHead head_;

  std::vector<Block::Saved> saved_;  // one per block; here so that a step allocates nothing
  Norm::Saved saved_final_;
};

}  // namespace causeway
