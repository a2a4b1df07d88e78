// A text source whose entropy is known exactly: a first-order Markov chain over a few letters. A
// model can approach its entropy rate from above and never pass below it.
#pragma once
#include <array>
#include <cmath>
#include <string>

#include "core/philox.h"

namespace causeway::test {

class MarkovSource {
 public:
  static constexpr int kSymbols = 6;

  MarkovSource() {
    for (int a = 0; a < kSymbols; ++a) {
      double total = 0;
      for (int b = 0; b < kSymbols; ++b) {
        // Cubed uniforms: each row has a few likely successors and some rare ones.
        p_[a][b] = 0.02 + std::pow(uniform(random_bits({.seed = 21}, a * kSymbols + b)), 3);
        total += p_[a][b];
      }
      for (int b = 0; b < kSymbols; ++b) p_[a][b] /= total;
    }
  }

  std::string text(size_t length, uint64_t seed) const {
    std::string out;
    int state = 0;
    for (size_t i = 0; i < length; ++i) {
      double u = uniform(random_bits({.seed = seed, .index = i}, 0));
      int next = 0;
      while (next + 1 < kSymbols && u >= p_[state][next]) u -= p_[state][next++];
      out += static_cast<char>('a' + next);
      state = next;
    }
    return out;
  }

  /// Nats per symbol: Σ π(a) H(p(· | a)), π by iterating the chain to its fixed point.
  double entropy_rate() const {
    std::array<double, kSymbols> pi;
    pi.fill(1.0 / kSymbols);
    for (int step = 0; step < 1000; ++step) {
      std::array<double, kSymbols> next{};
      for (int a = 0; a < kSymbols; ++a)
        for (int b = 0; b < kSymbols; ++b) next[b] += pi[a] * p_[a][b];
      pi = next;
    }
    double rate = 0;
    for (int a = 0; a < kSymbols; ++a)
      for (int b = 0; b < kSymbols; ++b) rate -= pi[a] * p_[a][b] * std::log(p_[a][b]);
    return rate;
  }

  /// Nats per symbol the source itself pays for text[1...]: what no model beats by more than
  /// chance.
  double loss_of(const std::string& text) const {
    double sum = 0;
    for (size_t i = 1; i < text.size(); ++i) sum -= std::log(p_[text[i - 1] - 'a'][text[i] - 'a']);
    return sum / static_cast<double>(text.size() - 1);
  }

 private:
  double p_[kSymbols][kSymbols];
};

}  // namespace causeway::test
