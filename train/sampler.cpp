// See sampler.h.
#include "train/sampler.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/philox.h"

namespace causeway {
namespace {

void require(bool condition, const char* option, double value, const char* range) {
  if (condition) return;
  throw Error({.id = "usage.sampling",
               .where = option,
               .what = fmt::format("{} is out of range", value),
               .remedy = fmt::format("use {}", range)});
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options) : options_(options) {
  const auto& o = options_;
  require(o.temperature >= 0 && std::isfinite(o.temperature), "temperature", o.temperature,
          "0 (greedy) or more, e.g. 0.8");
  require(o.top_k >= 0, "top_k", static_cast<double>(o.top_k), "0 (all) or more, e.g. 50");
  require(o.top_p > 0 && o.top_p <= 1, "top_p", o.top_p, "a value above 0, up to 1 (all)");
  require(o.min_p >= 0 && o.min_p <= 1, "min_p", o.min_p, "0 (all) to 1");
  require(o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty), "repetition_penalty",
          o.repetition_penalty, "a value above 0; 1 is none, 1.1 is mild");
  require(o.repetition_window >= 0, "repetition_window", static_cast<double>(o.repetition_window),
          "0 (none) or more");
}

// Keskar et al. 2019, arXiv:1909.05858: a token counts once, however often it was said.
void Sampler::penalise_repetition(std::span<const int32_t> past) {
  if (options_.repetition_penalty == 1) return;
  const size_t window = std::min<size_t>(past.size(), options_.repetition_window);
  seen_.assign(past.end() - static_cast<ptrdiff_t>(window), past.end());
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  for (const int32_t id : seen_) {
    CHECK(id >= 0 && static_cast<size_t>(id) < candidates_.size(), "past token {} of {}", id,
          candidates_.size());
    double& logit = candidates_[id].logit;
    logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
  }
}

// top-k, then top-p of what is left, then min-p: the order transformers uses.
void Sampler::keep_likely() {
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  const size_t k = options_.top_k > 0 ? std::min<size_t>(options_.top_k, candidates_.size())
                                      : candidates_.size();
  if (k < candidates_.size() || options_.top_p < 1) {
    std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(k),
                      candidates_.end(), likelier);
    candidates_.resize(k);
  }
  if (options_.top_p < 1) {
    double total = 0, kept = 0;
    for (const auto& c : candidates_) total += c.weight;
    size_t n = 0;
    while (n < candidates_.size() && kept < options_.top_p * total) kept += candidates_[n++].weight;
    candidates_.resize(std::max<size_t>(n, 1));
  }
  // Weights are relative to the likeliest token's, which has weight 1.
  std::erase_if(candidates_,
                [&](const Candidate& c) { return c.weight == 0 || c.weight < options_.min_p; });
}

int32_t Sampler::next(std::span<const float> logits, std::span<const int32_t> past,
                      uint64_t position) {
  CHECK(!logits.empty(), "no logits to sample from");
  candidates_.clear();
  for (size_t id = 0; id < logits.size(); ++id) {
    candidates_.push_back({.logit = logits[id], .weight = 0, .id = static_cast<int32_t>(id)});
  }
  // A NaN would make the order below meaningless; -inf is a token that cannot come.
  const bool sane = std::none_of(logits.begin(), logits.end(),
                                 [](float z) { return std::isnan(z) || (std::isinf(z) && z > 0); });
  penalise_repetition(past);
  const auto best = std::max_element(  // the first of equals, so the smallest id
      candidates_.begin(), candidates_.end(),
      [](const Candidate& a, const Candidate& b) { return a.logit < b.logit; });
  const double highest = best->logit;
  if (!sane || !std::isfinite(highest)) {
    throw Error({.id = "guard.logits",
                 .where = fmt::format("position {}", position),
                 .what = "the model's logits are not finite",
                 .remedy = "the weights are damaged or diverged: use an earlier checkpoint"});
  }
  if (options_.temperature == 0) return best->id;

  for (auto& c : candidates_) c.weight = std::exp((c.logit - highest) / options_.temperature);
  keep_likely();
  double total = 0;
  for (const auto& c : candidates_) total += c.weight;
  const RandomStream stream{
      .seed = options_.seed, .purpose = RandomPurpose::Sampling, .layer = 0, .index = position};
  double left = uniform(random_bits(stream, 0)) * total;
  for (const auto& c : candidates_) {
    left -= c.weight;
    if (left < 0) return c.id;
  }
  return candidates_.back().id;  // reached only by rounding
}

}  // namespace causeway
