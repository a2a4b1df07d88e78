// See generate.h.
#include "train/generate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "core/convert.h"
#include "core/plan_backend.h"

namespace causeway {
namespace {

/// A prompt is read in pieces of powers of two up to this, so that only a few shapes ever occur.
constexpr int64_t kChunk = 64;

/// One forward pass over `tokens` behind the cache; logits of its last position.
void forward(Backend& ops, Arena& arena, Model& model, const ModelState& state,
             const Precision& precision, KvCache& cache, std::span<const int32_t> tokens,
             std::span<const int32_t> positions, const Tensor& logits) {
  const Arena::Scope scope(arena);
  const int64_t T = static_cast<int64_t>(tokens.size());
  Context ctx{.ops = ops,
              .arena = arena,
              .params = model.params(),
              .precision = precision,
              .values = state.values,
              .tables = state.tables.tables,
              .batch = {.B = 1, .T = T},
              .phase = Phase::Eval,
              .cache = &cache};
  ctx.batch.tokens = arena.alloc("batch.tokens", DType::I32, {1, T});
  ctx.batch.position = arena.alloc("batch.position", DType::I32, {1, T});
  ops.upload(ctx.batch.tokens, tokens.data());
  ops.upload(ctx.batch.position, positions.data());
  model.next_logits(ctx, logits);
}

/// The arena of the longest chunk, and the logits at its bottom.
size_t arena_bytes(Model& model, const Precision& precision, Backend* real) {
  const auto plan = make_plan_backend(real);
  const ModelState state(*plan, model.config(), model.params(), precision);
  Arena arena;
  const Tensor logits = arena.alloc("logits", precision.act, {1, model.config().padded_vocab()});
  for (int64_t n = 1; n <= std::min(kChunk, model.config().block_size); n *= 2) {
    KvCache cache(*plan, model.config(), precision.act);
    const std::vector<int32_t> zeros(n, 0);
    forward(*plan, arena, model, state, precision, cache, zeros, zeros, logits);
  }
  return arena.peak();
}

}  // namespace

Generator::Generator(Backend& ops, Model& model, const ModelState& state,
                     const Precision& precision)
    : ops_(ops),
      model_(model),
      state_(state),
      precision_(precision),
      cache_(ops, model.config(), precision.act),
      arena_(ops, arena_bytes(model, precision, &ops)),
      device_logits_(arena_.alloc("logits", precision.act, {1, model.config().padded_vocab()})),
      raw_(device_logits_.bytes()),
      logits_(model.config().vocab_size.value()),
      positions_(kChunk) {}

size_t Generator::bytes(Model& model, const Precision& precision) {
  const ModelConfig& c = model.config();
  const int64_t cache = 2 * c.n_layer * c.block_size * c.kv_heads() * c.head_dim();
  return static_cast<size_t>(cache) * dtype_size(precision.act) +
         arena_bytes(model, precision, nullptr);
}

void Generator::start(std::span<const int32_t> prompt) {
  CHECK(!prompt.empty(), "a generation starts from at least one token");
  past_.assign(prompt.begin(), prompt.end());
  cache_.clear();
  context_.clear();
  const size_t most = std::max<int64_t>(1, cache_.capacity() - 1);
  feed(prompt.last(std::min(prompt.size(), most)));
}

int32_t Generator::next(Sampler& sampler) {
  const int32_t token = sampler.next(logits_, past_, past_.size());
  past_.push_back(token);
  feed({&token, 1});
  return token;
}

void Generator::feed(std::span<const int32_t> tokens) {
  if (cache_.length() + static_cast<int64_t>(tokens.size()) > cache_.capacity()) {
    // Positions are absolute in the cache, so the younger half is read again from position 0.
    std::vector<int32_t> keep(context_.end() - context_.size() / 2, context_.end());
    keep.insert(keep.end(), tokens.begin(), tokens.end());
    cache_.clear();
    context_.clear();
    feed(keep);
    return;
  }
  for (size_t done = 0; done < tokens.size();) {
    const size_t n = std::min<size_t>(kChunk, std::bit_floor(tokens.size() - done));
    std::iota(positions_.begin(), positions_.begin() + n, static_cast<int32_t>(cache_.length()));
    forward(ops_, arena_, model_, state_, precision_, cache_, tokens.subspan(done, n),
            std::span(positions_).first(n), device_logits_);
    done += n;
  }
  context_.insert(context_.end(), tokens.begin(), tokens.end());
  read_logits();
}

void Generator::read_logits() {
  ops_.download(raw_.data(), device_logits_);
  const std::vector<float> all = to_floats(raw_, precision_.act);
  const double cap = model_.config().logit_softcap;
  for (size_t i = 0; i < logits_.size(); ++i)
    logits_[i] = cap > 0 ? static_cast<float>(cap * std::tanh(all[i] / cap)) : all[i];
}

std::vector<int32_t> prompt_tokens(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  if (const auto bos = tokenizer.bos()) ids.push_back(*bos);
  const auto encoded = text.empty() ? std::vector<int32_t>{} : tokenizer.encode(text, {"prompt"});
  ids.insert(ids.end(), encoded.begin(), encoded.end());
  if (ids.empty() && tokenizer.end_of_text()) ids.push_back(*tokenizer.end_of_text());
  if (ids.empty()) ids = tokenizer.encode("\n", {"prompt"});
  return ids;
}

std::string sample_text(Backend& ops, Model& model, const ModelState& state, const Config& config,
                        const Tokenizer& tokenizer) {
  const Precision precision = Precision::of(config.train.precision);
  Generator generator(ops, model, state, precision);
  Sampler sampler({.temperature = config.sample.temperature, .seed = config.run.seed});
  std::vector<int32_t> ids = prompt_tokens(tokenizer, config.sample.prompt);
  generator.start(ids);
  for (int64_t i = 0; i < config.sample.tokens; ++i) {
    ids.push_back(generator.next(sampler));
    if (ids.back() == tokenizer.end_of_text()) break;
  }
  return tokenizer.decode(ids);
}

}  // namespace causeway
