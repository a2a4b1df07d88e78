// Sampling: each filter on logits small enough to check by eye, and the distribution as a whole.
#include "train/sampler.h"

#include <cmath>
#include <limits>
#include <set>

#include "tests/catch.h"

using namespace causeway;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// Probabilities 0.5, 0.25, 0.125, 0.125 for tokens 0 to 3 at temperature 1.
std::vector<float> halves() { return {std::log(4.f), std::log(2.f), 0.f, 0.f}; }

std::vector<int> counts(const SamplerOptions& options, const std::vector<float>& logits, int draws,
                        const std::vector<int32_t>& past = {}) {
  Sampler sampler(options);
  std::vector<int> count(logits.size());
  for (int i = 0; i < draws; ++i) ++count[sampler.next(logits, past, i)];
  return count;
}

std::set<size_t> drawn(const SamplerOptions& options, const std::vector<int32_t>& past = {}) {
  const auto count = counts(options, halves(), 2000, past);
  std::set<size_t> ids;
  for (size_t id = 0; id < count.size(); ++id)
    if (count[id] > 0) ids.insert(id);
  return ids;
}

}  // namespace

TEST_CASE("temperature 0 takes the likeliest token, the smaller id of two equals") {
  Sampler sampler({.temperature = 0});
  CHECK(sampler.next(std::vector<float>{1, 3, 3, 2}, {}, 0) == 1);
}

TEST_CASE("at temperature 1 tokens come as often as the softmax says") {
  const int draws = 40000;
  const auto count = counts({.temperature = 1}, halves(), draws);
  const double expected[] = {0.5, 0.25, 0.125, 0.125};
  for (size_t id = 0; id < 4; ++id) {
    // Five standard deviations of a binomial count: a correct sampler fails once in two million.
    const double sigma = std::sqrt(draws * expected[id] * (1 - expected[id]));
    CHECK(std::abs(count[id] - draws * expected[id]) < 5 * sigma);
  }
}

TEST_CASE("a temperature divides the logits") {
  const int draws = 40000;
  const auto count = counts({.temperature = 0.5}, halves(), draws);
  // Squared odds: 16 : 4 : 1 : 1.
  const double p = 16.0 / 22;
  CHECK(std::abs(count[0] - draws * p) < 5 * std::sqrt(draws * p * (1 - p)));
}

TEST_CASE("top-k, top-p and min-p keep the tokens they promise") {
  CHECK(drawn({.temperature = 1}) == std::set<size_t>{0, 1, 2, 3});
  CHECK(drawn({.temperature = 1, .top_k = 2}) == std::set<size_t>{0, 1});
  CHECK(drawn({.temperature = 1, .top_k = 3}) == std::set<size_t>{0, 1, 2});  // ties by id
  CHECK(drawn({.temperature = 1, .top_k = 99}) == std::set<size_t>{0, 1, 2, 3});
  CHECK(drawn({.temperature = 1, .top_p = 0.4}) == std::set<size_t>{0});
  CHECK(drawn({.temperature = 1, .top_p = 0.6}) == std::set<size_t>{0, 1});
  CHECK(drawn({.temperature = 1, .top_p = 0.8}) == std::set<size_t>{0, 1, 2});
  CHECK(drawn({.temperature = 1, .min_p = 0.4}) == std::set<size_t>{0, 1});  // 0.25 ≥ 0.4 · 0.5
  CHECK(drawn({.temperature = 1, .min_p = 0.6}) == std::set<size_t>{0});
  CHECK(drawn({.temperature = 1, .min_p = 1}) == std::set<size_t>{0});
}

TEST_CASE("the repetition penalty counts a past token once, and only inside the window") {
  Sampler greedy({.temperature = 0, .repetition_penalty = 1.5, .repetition_window = 2});
  const std::vector<float> logits{2.f, 1.6f, -1.f};
  CHECK(greedy.next(logits, std::vector<int32_t>{0, 0}, 0) == 1);     // 2 / 1.5 < 1.6
  CHECK(greedy.next(logits, std::vector<int32_t>{0, 2, 2}, 0) == 0);  // 0 has left the window
  Sampler mild({.temperature = 0, .repetition_penalty = 1.2, .repetition_window = 9});
  CHECK(mild.next(logits, std::vector<int32_t>{0, 0, 0}, 0) == 0);  // once: 1.67, not 1.16
  Sampler negative({.temperature = 0, .repetition_penalty = 2});
  CHECK(negative.next(std::vector<float>{-1.f, -1.5f}, std::vector<int32_t>{0}, 0) == 1);
}

TEST_CASE("the same seed and position draw the same token, whatever was drawn before") {
  Sampler once({.temperature = 1}), often({.temperature = 1}), other({.temperature = 1, .seed = 8});
  std::vector<float> flat(1000, 0.f);
  for (uint64_t i = 0; i < 5; ++i) often.next(flat, {}, i);
  CHECK(once.next(flat, {}, 7) == often.next(flat, {}, 7));
  CHECK(once.next(flat, {}, 7) != once.next(flat, {}, 8));
  CHECK(once.next(flat, {}, 7) != other.next(flat, {}, 7));
}

TEST_CASE("a token with logit -inf never comes, and broken logits are an error") {
  const auto count = counts({.temperature = 5}, {0.f, -kInf, 0.f}, 1000);
  CHECK(count[1] == 0);
  Sampler sampler({.temperature = 1});
  CHECK_THROWS_WITH(sampler.next(std::vector<float>{0.f, NAN}, {}, 3),
                    Catch::Contains("error[guard.logits] position 3"));
  CHECK_THROWS_WITH(sampler.next(std::vector<float>{0.f, kInf}, {}, 3),
                    Catch::Contains("not finite"));
  CHECK_THROWS_WITH(sampler.next(std::vector<float>{-kInf, -kInf}, {}, 3),
                    Catch::Contains("not finite"));
}

TEST_CASE("options out of range are refused by name") {
  CHECK_THROWS_WITH(Sampler({.temperature = -1}),
                    Catch::Contains("error[usage.sampling] temperature: -1 is out of range"));
  CHECK_THROWS_WITH(Sampler({.top_k = -2}), Catch::Contains("top_k"));
  CHECK_THROWS_WITH(Sampler({.top_p = 0}), Catch::Contains("top_p"));
  CHECK_THROWS_WITH(Sampler({.min_p = 1.5}), Catch::Contains("min_p"));
  CHECK_THROWS_WITH(Sampler({.repetition_penalty = 0}), Catch::Contains("repetition_penalty"));
  try {
    Sampler({.temperature = NAN});
    FAIL("a NaN temperature was accepted");
  } catch (const Error& e) {
    CHECK(e.exit_code() == ExitCode::Config);
  }
}
