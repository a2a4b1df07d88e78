// Which class of transformers computes a model exactly, and if none does, why. See hf.h.
#include "core/hf.h"

namespace causeway {
namespace {

/// Something in a config that a class of transformers has no counterpart of.
struct Obstacle {
  bool present;
  std::string text;
};

std::string first_of(std::initializer_list<Obstacle> obstacles) {
  for (const Obstacle& o : obstacles)
    if (o.present) return o.text;
  return "";
}

/// "" when GPT2LMHeadModel is the model. Its biases may be zero, so `bias: false` is no obstacle.
std::string obstacle_to_gpt2(const ModelConfig& c) {
  return first_of({
      {c.norm != NormChoice::LayerNorm, "norm: rmsnorm with learned positions"},
      {c.mlp != MlpKind::Gelu, "an mlp other than gelu with learned positions"},
      {c.kv_heads() != c.n_head, "n_kv_head other than n_head with learned positions"},
      {c.head_dim() * c.n_head != c.n_embd, "head_size other than n_embd / n_head in gpt2"},
      {c.qk_norm, "qk_norm with learned positions"},
      {c.sliding_window > 0, "sliding_window with learned positions"},
  });
}

/// "" when one of llama, mistral and qwen3 is the model. Mistral has no biases at all, qwen3 none
/// in its MLP, and llama's norm of the head's vectors does not exist.
std::string obstacle_to_llama(const ModelConfig& c) {
  return first_of({
      {c.norm != NormChoice::RmsNorm, "norm: layernorm with rope"},
      {c.mlp != MlpKind::SwiGlu, "an mlp other than swiglu with rope"},
      {c.bias && c.qk_norm, "bias: true with qk_norm"},
      {c.bias && c.sliding_window > 0, "bias: true with sliding_window"},
      {c.bias && c.n_embd % c.n_head != 0, "bias: true where n_head does not divide n_embd"},
  });
}

std::string obstacle(const ModelConfig& c) {
  if (c.attention_softcap > 0) return "attention_softcap";
  if (c.logit_softcap > 0) return "logit_softcap";
  switch (c.position) {
    case PositionKind::Learned:
      return obstacle_to_gpt2(c);
    case PositionKind::Rope:
      return obstacle_to_llama(c);
    case PositionKind::Sinusoidal:
      return "position: sinusoidal";
    case PositionKind::Alibi:
      return "position: alibi";
    case PositionKind::None:
      return "position: none";
  }
  return "";
}

}  // namespace

HfChoice choose_hf(const ModelConfig& c) {
  if (const std::string found = obstacle(c); !found.empty())
    return {.model_type = "causeway",
            .reason = fmt::format("none of gpt2, llama, mistral and qwen3 has {}", found)};
  if (c.position == PositionKind::Learned) return {.model_type = "gpt2", .reason = ""};
  if (c.qk_norm) return {.model_type = "qwen3", .reason = ""};
  // Without a window Mistral is Llama, but transformers 5 refuses a LlamaConfig whose heads do not
  // divide its width, even with an explicit head_dim.
  const bool mistral = c.sliding_window > 0 || c.n_embd % c.n_head != 0;
  return {.model_type = mistral ? "mistral" : "llama", .reason = ""};
}

}  // namespace causeway
