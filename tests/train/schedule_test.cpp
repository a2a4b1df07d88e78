// The learning rate against values worked out by hand (and nanoGPT's formula for the cosine).
#include "train/schedule.h"

#include <cmath>

#include "tests/catch.h"

using namespace causeway;

TEST_CASE("warm-up rises linearly and reaches the peak at its end, as nanoGPT's does") {
  const auto rate = make_learning_rate(
      {.kind = ScheduleKind::Constant, .warmup_steps = 4, .decay_steps = {}, .min_lr = 0}, 1.0, 10);
  CHECK(rate.at(0) == 0.2);
  CHECK(rate.at(3) == 0.8);
  CHECK(rate.at(4) == 1.0);
  CHECK(rate.at(1'000'000) == 1.0);
}

TEST_CASE("cosine passes half way down in the middle and stays at min_lr after decay_steps") {
  const auto rate = make_learning_rate(
      {.kind = ScheduleKind::Cosine, .warmup_steps = 100, .decay_steps = 2000, .min_lr = 1e-4},
      1e-3, 5000);
  CHECK(rate.at(99) == Approx(1e-3 * 100 / 101).epsilon(1e-15));
  CHECK(rate.at(100) == 1e-3);
  CHECK(rate.at(1050) == Approx(5.5e-4).epsilon(1e-14));  // cos(π/2) = 0
  // 475 of 1900 steps, a quarter of the way: cos(π/4) = √2/2.
  CHECK(rate.at(575) == Approx(1e-4 + 9e-4 * 0.5 * (1 + std::sqrt(0.5))).epsilon(1e-14));
  CHECK(rate.at(2000) == 1e-4);
  CHECK(rate.at(4999) == 1e-4);
}

TEST_CASE("auto decay_steps is the run's length for cosine and linear") {
  const auto rate = make_learning_rate(
      {.kind = ScheduleKind::Linear, .warmup_steps = 0, .decay_steps = {}, .min_lr = 0}, 1.0, 8);
  CHECK(rate.at(0) == 1.0);
  CHECK(rate.at(2) == 0.75);
  CHECK(rate.at(7) == 0.125);
  CHECK(rate.at(8) == 0.0);
}

TEST_CASE("wsd holds the peak and falls in a line over the last decay_steps") {
  const auto rate = make_learning_rate(
      {.kind = ScheduleKind::Wsd, .warmup_steps = 1, .decay_steps = 4, .min_lr = 0.2}, 1.0, 20);
  CHECK(rate.at(0) == 0.5);
  CHECK(rate.at(15) == 1.0);
  CHECK(rate.at(16) == 1.0);
  CHECK(rate.at(18) == Approx(0.6).epsilon(1e-15));
  CHECK(rate.at(20) == 0.2);
  const auto fifth = make_learning_rate(
      {.kind = ScheduleKind::Wsd, .warmup_steps = 0, .decay_steps = {}, .min_lr = 0}, 1.0, 100);
  CHECK(fifth.decay_begin == 80);
}

TEST_CASE("a schedule that does not fit the run is refused") {
  const ScheduleConfig late{
      .kind = ScheduleKind::Cosine, .warmup_steps = 50, .decay_steps = {}, .min_lr = 0};
  CHECK_THROWS_WITH(make_learning_rate(late, 1.0, 10),
                    Catch::Contains("error[config.schedule] schedule: a warm-up of 50 steps") &&
                        Catch::Contains("run of 10 steps"));
  const ScheduleConfig rising{
      .kind = ScheduleKind::Linear, .warmup_steps = 0, .decay_steps = {}, .min_lr = 2};
  CHECK_THROWS_WITH(make_learning_rate(rising, 1.0, 10),
                    Catch::Contains("min_lr 2 is above optimizer.lr 1"));
}
