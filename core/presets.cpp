// Sizes as published: GPT-2 (Radford et al. 2019), the TinyStories models of llama2.c, Llama 3 and
// 3.2 (their block_size here is what Llama 3 was pretrained with; the published 131072 needs a
// rescaled rope). See presets.h.
#include "core/presets.h"

namespace causeway {
namespace {

struct Shape {
  std::string_view name;
  int64_t n_layer, n_head, n_kv_head, n_embd, intermediate_size, block_size, vocab_size;
  double rope_theta;
  enum class Head : uint8_t { Tied, Untied } head;
};

// clang-format off
constexpr Shape kGpt2[] = {
    // name        layers heads kv  width   mlp  block  vocab  theta
    {"gpt2-124m",      12,  12, 12,  768,  3072, 1024, 50257, 1e4, Shape::Head::Tied},
    {"gpt2-350m",      24,  16, 16, 1024,  4096, 1024, 50257, 1e4, Shape::Head::Tied},
    {"gpt2-774m",      36,  20, 20, 1280,  5120, 1024, 50257, 1e4, Shape::Head::Tied},
    {"gpt2-1558m",     48,  25, 25, 1600,  6400, 1024, 50257, 1e4, Shape::Head::Tied},
};
constexpr Shape kLlama[] = {
    {"llama-260k",      5,   8,  4,   64,   172,  512,   512, 1e4, Shape::Head::Tied},
    {"llama-15m",       6,   6,  6,  288,   768,  256, 32000, 1e4, Shape::Head::Tied},
    {"llama-42m",       8,   8,  8,  512,  1376, 1024, 32000, 1e4, Shape::Head::Tied},
    {"llama-110m",     12,  12, 12,  768,  2048, 1024, 32000, 1e4, Shape::Head::Tied},
    {"llama-1b",       16,  32,  8, 2048,  8192, 8192, 128256, 5e5, Shape::Head::Tied},
    {"llama-3b",       28,  24,  8, 3072,  8192, 8192, 128256, 5e5, Shape::Head::Tied},
    {"llama-8b",       32,  32,  8, 4096, 14336, 8192, 128256, 5e5, Shape::Head::Untied},
};
// clang-format on

/// What the two families share; the defaults of ModelConfig are GPT-2's.
ModelConfig shaped(const Shape& s) {
  ModelConfig m;
  m.preset = s.name;
  m.n_layer = s.n_layer;
  m.n_head = s.n_head;
  m.n_embd = s.n_embd;
  m.block_size = s.block_size;
  m.vocab_size = s.vocab_size;
  m.rope_theta = s.rope_theta;
  m.tie_embeddings = s.head == Shape::Head::Tied;
  return m;
}

/// What `auto` gives anyway stays auto, so that it follows when n_head or n_embd is overridden.
ModelConfig with_autos(ModelConfig m, const Shape& s) {
  if (m.kv_heads() != s.n_kv_head) m.n_kv_head = s.n_kv_head;
  if (m.mlp_width() != s.intermediate_size) m.intermediate_size = s.intermediate_size;
  return m;
}

ModelConfig gpt2(const Shape& s) {
  ModelConfig m = shaped(s);
  m.position = PositionKind::Learned;
  m.norm = NormChoice::LayerNorm;
  m.mlp = MlpKind::Gelu;
  m.norm_eps = 1e-5;
  m.bias = true;
  return with_autos(m, s);
}

ModelConfig llama(const Shape& s) {
  ModelConfig m = shaped(s);
  m.position = PositionKind::Rope;
  m.norm = NormChoice::RmsNorm;
  m.mlp = MlpKind::SwiGlu;
  m.norm_eps = 1e-5;
  m.bias = false;
  return with_autos(m, s);
}

}  // namespace

std::optional<ModelConfig> find_preset(std::string_view name) {
  for (const Shape& s : kGpt2)
    if (s.name == name) return gpt2(s);
  for (const Shape& s : kLlama)
    if (s.name == name) return llama(s);
  return std::nullopt;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Shape& s : kGpt2) names.emplace_back(s.name);
  for (const Shape& s : kLlama) names.emplace_back(s.name);
  return names;
}

}  // namespace causeway
