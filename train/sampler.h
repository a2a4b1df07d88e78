// Picks the next token from the model's logits. Read next: generate.h, which feeds it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace causeway {

struct SamplerOptions {
  double temperature = 0.8;       ///< 0: always the likeliest token
  int64_t top_k = 0;              ///< keep the k likeliest; 0: all
  double top_p = 1;               ///< keep the fewest tokens that hold this probability; 1: all
  double min_p = 0;               ///< keep tokens of at least this share of the likeliest's; 0: all
  double repetition_penalty = 1;  ///< divides (multiplies, if negative) logits of past tokens
  int64_t repetition_window = 64;  ///< how many past tokens are penalised
  uint64_t seed = 1337;
};

/// Sampling is a pure function of (options, logits, past, position): the random number is Philox's
/// element `position` of the seed's Sampling stream. Equal logits are ordered by token id.
class Sampler {
 public:
  /// Throws Error "usage.sampling" naming the option that is out of range.
  explicit Sampler(const SamplerOptions& options);

  /// logits (V), only the valid vocabulary · past: the tokens so far, oldest first.
  /// Throws Error "guard.logits" if no logit is finite or one is NaN or +inf.
  int32_t next(std::span<const float> logits, std::span<const int32_t> past, uint64_t position);

 private:
  struct Candidate {
    double logit, weight;
    int32_t id;
  };
  void penalise_repetition(std::span<const int32_t> past);
  void keep_likely();

  SamplerOptions options_;
  std::vector<Candidate> candidates_;  // kept between calls, so that a token allocates nothing
  std::vector<int32_t> seen_;
};

}  // namespace causeway
