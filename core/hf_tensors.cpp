// See hf_tensors.h. Names as in transformers' modeling_gpt2.py and modeling_llama.py, which mistral
// and qwen3 share.
#include "core/hf_tensors.h"

#include <array>
#include <span>

namespace causeway {
namespace {

/// "attention.qkv.weight" -> "attention.qkv" + "weight".
struct Split {
  std::string_view head, tail;
};
Split split_last(std::string_view name) {
  const size_t dot = name.rfind('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// "blocks.3.mlp.up.weight" -> block "3", rest "mlp.up.weight"; block "" outside the blocks.
struct Place {
  std::string_view block, rest;
};
Place place_of(std::string_view name) {
  constexpr std::string_view kBlocks = "blocks.";
  if (!starts_with(name, kBlocks)) return {"", name};
  name.remove_prefix(kBlocks.size());
  const size_t dot = name.find('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

struct Rename {
  std::string_view ours, theirs;
};

constexpr Rename kGpt2[] = {
    {"embedding.tokens", "transformer.wte"},
    {"embedding.positions", "transformer.wpe"},
    {"final_norm", "transformer.ln_f"},
    {"head", "lm_head"},
    {"norm1", "ln_1"},
    {"attention.qkv", "attn.c_attn"},
    {"attention.proj", "attn.c_proj"},
    {"norm2", "ln_2"},
    {"mlp.up", "mlp.c_fc"},
    {"mlp.down", "mlp.c_proj"},
};

constexpr Rename kLlama[] = {
    {"embedding.tokens", "model.embed_tokens"},
    {"final_norm", "model.norm"},
    {"head", "lm_head"},
    {"norm1", "input_layernorm"},
    {"attention.q_norm", "self_attn.q_norm"},
    {"attention.k_norm", "self_attn.k_norm"},
    {"attention.proj", "self_attn.o_proj"},
    {"norm2", "post_attention_layernorm"},
    {"mlp.down", "mlp.down_proj"},
};

std::string_view renamed(std::span<const Rename> list, std::string_view ours) {
  for (const Rename& r : list)
    if (r.ours == ours) return r.theirs;
  CHECK(false, "no rule for parameter {}", ours);
  return "";
}

/// Builds the table, parameter by parameter.
class Rules {
 public:
  Rules(const ModelConfig& config, const ParamTable& params) : config_(config), params_(params) {}

  std::vector<HfTensor> own_names() {
    for (ParamId id = 0; id < count(); ++id) add(id, params_[id].name);
    return std::move(tensors_);
  }

  std::vector<HfTensor> gpt2() {
    for (ParamId id = 0; id < count(); ++id) {
      const Place at = place_of(params_[id].name);
      const Split name = split_last(at.rest);
      const std::string stem = in_block("transformer.h", at.block, renamed(kGpt2, name.head));
      const bool linear = !at.block.empty() && params_[id].is_matrix();
      add(id, fmt::format("{}.{}", stem, name.tail),
          linear ? HfLayout::Transposed : HfLayout::AsIs);
      // Every norm and every Conv1D has a bias there.
      const bool has_bias = !at.block.empty() || name.head == "final_norm";
      if (!config_.bias && has_bias)
        tensors_.push_back(
            {.name = stem + ".bias", .rows = params_[id].rows, .layout = HfLayout::Zeros});
    }
    return std::move(tensors_);
  }

  std::vector<HfTensor> llama() {
    for (ParamId id = 0; id < count(); ++id) {
      const Place at = place_of(params_[id].name);
      const Split name = split_last(at.rest);
      const auto file_name = [&](std::string_view theirs) {
        return fmt::format("{}.{}", in_block("model.layers", at.block, theirs), name.tail);
      };
      if (name.head == "attention.qkv")
        add_qkv(id, file_name("self_attn.q_proj"), file_name("self_attn.k_proj"),
                file_name("self_attn.v_proj"));
      else if (name.head == "mlp.up")
        add_gate_up(id, file_name("mlp.gate_proj"), file_name("mlp.up_proj"));
      else
        add(id, file_name(renamed(kLlama, name.head)));
    }
    return std::move(tensors_);
  }

 private:
  ParamId count() const { return static_cast<ParamId>(params_.all().size()); }

  static std::string in_block(std::string_view folder, std::string_view block,
                              std::string_view name) {
    return block.empty() ? std::string(name) : fmt::format("{}.{}.{}", folder, block, name);
  }

  void add(ParamId id, std::string name, HfLayout layout = HfLayout::AsIs) {
    add_rows(id, std::move(name), 0, params_[id].valid_rows, layout);
  }

  void add_rows(ParamId id, std::string name, int64_t first, int64_t rows,
                HfLayout layout = HfLayout::AsIs) {
    tensors_.push_back({.name = std::move(name),
                        .param = id,
                        .first_row = first,
                        .rows = rows,
                        .cols = params_[id].cols,
                        .layout = layout});
  }

  /// Rows: all query heads, then all key heads, then all value heads.
  void add_qkv(ParamId id, std::string q, std::string k, std::string v) {
    const int64_t q_rows = config_.n_head * config_.head_dim();
    const int64_t kv_rows = config_.kv_heads() * config_.head_dim();
    add_rows(id, std::move(q), 0, q_rows);
    add_rows(id, std::move(k), q_rows, kv_rows);
    add_rows(id, std::move(v), q_rows + kv_rows, kv_rows);
  }

  /// Rows: gate, then up.
  void add_gate_up(ParamId id, std::string gate, std::string up) {
    const int64_t width = config_.mlp_width();
    add_rows(id, std::move(gate), 0, width);
    add_rows(id, std::move(up), width, width);
  }

  const ModelConfig& config_;
  const ParamTable& params_;
  std::vector<HfTensor> tensors_;
};

}  // namespace

std::vector<int64_t> HfTensor::shape() const {
  if (cols == 0) return {rows};
  if (layout == HfLayout::Transposed) return {cols, rows};
  return {rows, cols};
}

std::vector<HfTensor> hf_tensors(const ModelConfig& config, const ParamTable& params,
                                 std::string_view model_type) {
  Rules rules(config, params);
  if (model_type == "causeway") return rules.own_names();
  if (model_type == "gpt2") return rules.gpt2();
  return rules.llama();
}

bool is_harmless_extra(std::string_view name, const ModelConfig& config) {
  if (name == "lm_head.weight" || name == "head.weight") return config.tie_embeddings;
  constexpr std::array<std::string_view, 3> kEndings = {".attn.bias", ".attn.masked_bias",
                                                        ".rotary_emb.inv_freq"};
  for (const std::string_view ending : kEndings)
    if (ends_with(name, ending)) return true;
  return name == "model.rotary_emb.inv_freq" || name == "rotary_emb.inv_freq";
}

std::string_view without_prefix(std::string_view name) {
  for (const std::string_view prefix : {"transformer.", "model."})
    if (starts_with(name, prefix)) return name.substr(prefix.size());
  return name;
}

}  // namespace causeway
