// Generator: text from a model, token by token, with a key/value cache. Read next: sampler.h.
#pragma once
#include <string>
#include <vector>

#include "core/arena.h"
#include "core/model.h"
#include "core/model_state.h"
#include "data/tokenizer.h"
#include "train/sampler.h"

namespace causeway {

class Generator {
 public:
  /// All views must outlive the generator. Allocates the cache (block_size positions) and an arena.
  Generator(Backend& ops, Model& model, const ModelState& state, const Precision& precision);

  /// Forgets everything and reads `prompt` (at least one token; only the last block_size − 1
  /// count).
  void start(std::span<const int32_t> prompt);
  /// Draws the next token and takes it into the context. A full context keeps its younger half.
  int32_t next(Sampler& sampler);
  /// Logits (V) for the token after everything fed so far, softcap applied.
  std::span<const float> logits() const { return {logits_.data(), logits_.size()}; }

  /// Bytes a generator of this model takes, without making one.
  static size_t bytes(Model& model, const Precision& precision);

 private:
  void feed(std::span<const int32_t> tokens);
  void read_logits();

  Backend& ops_;
  Model& model_;
  const ModelState& state_;
  Precision precision_;
  KvCache cache_;
  Arena arena_;
  Tensor device_logits_;            // (1, Vp)
  std::vector<std::byte> raw_;      // the same on the host, act dtype
  std::vector<float> logits_;       // (V)
  std::vector<int32_t> positions_;  // (≤ kChunk)
  std::vector<int32_t> context_;    // tokens in the cache
  std::vector<int32_t> past_;       // everything since start()
};

/// What a run shows while it trains: sample.prompt and sample.tokens tokens after it.
std::string sample_text(Backend& ops, Model& model, const ModelState& state, const Config& config,
                        const Tokenizer& tokenizer);

/// The ids a generation starts from: `text` behind the tokenizer's BOS, where it has one; never
/// empty: an empty text starts from BOS, end of text, or a newline.
std::vector<int32_t> prompt_tokens(const Tokenizer& tokenizer, std::string_view text);

}  // namespace causeway
