// Tests of data/permutation.h.
#include "data/permutation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/data/data_test_files.h"

using namespace causeway;

namespace {

std::vector<int64_t> order(int64_t n, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> result(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) result[static_cast<size_t>(i)] = permute_index(i, n, seed, epoch);
  return result;
}

}  // namespace

TEST_CASE("the order of an epoch is a permutation for every number of windows") {
  std::vector<int64_t> sizes(300);
  std::iota(sizes.begin(), sizes.end(), 1);
  for (const int64_t n : {1023, 1024, 1025, 4099, 65536, 100003}) sizes.push_back(n);
  for (const int64_t n : sizes) {
    auto values = order(n, 7, 3);
    std::sort(values.begin(), values.end());
    std::vector<int64_t> all(static_cast<size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    INFO("n = " << n);
    CHECK((values == all));
  }
}

TEST_CASE("epochs and seeds have orders of their own, and the same one twice is the same") {
  CHECK(order(1000, 1, 0) == order(1000, 1, 0));
  CHECK(order(1000, 1, 0) != order(1000, 1, 1));
  CHECK(order(1000, 1, 0) != order(1000, 2, 0));
  CHECK(order(1000, 1, 0) != order(1000, 1, uint64_t{1} << 32));  // all bits of the epoch count
}

TEST_CASE("the order looks random: places and neighbours are uncorrelated") {
  // Of n uniform values the correlation with their place has standard deviation 1/√n, here 0.01.
  // Five of them is one failure in two million.
  const int64_t n = 10000;
  const auto values = order(n, 5, 0);
  const double mean = (n - 1) / 2.0, variance = (static_cast<double>(n) * n - 1) / 12.0;
  double place = 0, neighbour = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto here = static_cast<size_t>(i), next = static_cast<size_t>((i + 1) % n);
    const double v = static_cast<double>(values[here]) - mean;
    place += v * (static_cast<double>(i) - mean);
    neighbour += v * (static_cast<double>(values[next]) - mean);
  }
  CHECK(std::abs(place / n / variance) < 0.05);
  CHECK(std::abs(neighbour / n / variance) < 0.05);
}

TEST_CASE("a huge number of windows is no slower and stays inside") {
  const int64_t n = (int64_t{1} << 61) + 12345;
  for (int64_t i = 0; i < 100; ++i) {
    const int64_t value = permute_index(n - 1 - i, n, 1, 1);
    CHECK(value >= 0);
    CHECK(value < n);
  }
}
