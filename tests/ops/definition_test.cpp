// The reference's own definitions, held to values worked out by hand: the complex step proves that
// a backward fits its forward, this proves the forwards. Read next: tests/reference/backend.h.
#include <cmath>

#include "core/buffer.h"
#include "tests/reference/backend.h"

#include "tests/catch.h"

namespace causeway {
namespace {

/// A reference backend and the tensors of one test.
class Bench {
 public:
  Backend& ops() { return *backend_; }

  Tensor tensor(std::initializer_list<int64_t> shape, const std::vector<double>& values) {
    return upload(DType::F64, shape, values.data());
  }
  Tensor tensor(std::initializer_list<int64_t> shape) { return upload(DType::F64, shape, nullptr); }
  Tensor ints(std::initializer_list<int64_t> shape, const std::vector<int32_t>& values) {
    return upload(DType::I32, shape, values.data());
  }
  static double at(const Tensor& t, int64_t i) { return t.as<double>()[i]; }

 private:
  Tensor upload(DType dtype, std::initializer_list<int64_t> shape, const void* values) {
    Tensor t(nullptr, dtype, shape);
    memory_.emplace_back(*backend_, t.bytes());
    t.data = memory_.back().data();
    if (values) backend_->upload(t, values);
    return t;
  }

  std::unique_ptr<Backend> backend_ = make_reference_backend(DType::F64);
  std::vector<Buffer> memory_;
};

bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(1.0, std::abs(b)); }

}  // namespace

TEST_CASE("the matrix product, its transposes and its bias are those of the textbook", "[ops]") {
  Bench b;
  const Tensor a = b.tensor({2, 2}, {1, 2, 3, 4}), w = b.tensor({2, 2}, {5, 6, 7, 8});
  const Tensor y = b.tensor({2, 2}), bias = b.tensor({2}, {100, 200});
  const auto product = [&](Transpose at, Transpose bt) {
    b.ops().matmul({.y = y, .a = a, .b = w, .a_transpose = at, .b_transpose = bt, .bias = bias});
    return std::vector<double>{b.at(y, 0), b.at(y, 1), b.at(y, 2), b.at(y, 3)};
  };
  REQUIRE(product(Transpose::No, Transpose::No) == std::vector<double>{119, 222, 143, 250});
  REQUIRE(product(Transpose::No, Transpose::Yes) == std::vector<double>{117, 223, 139, 253});
  REQUIRE(product(Transpose::Yes, Transpose::No) == std::vector<double>{126, 230, 138, 244});
  REQUIRE(product(Transpose::Yes, Transpose::Yes) == std::vector<double>{123, 231, 134, 246});
}

TEST_CASE("layer norm of (1, 2, 3) and RMS norm of (3, 4) are known", "[ops]") {
  Bench b;
  const Tensor y = b.tensor({1, 3}), mean = b.tensor({1}), rstd = b.tensor({1});
  b.ops().norm_forward({.eps = 0,
                        .y = y,
                        .mean = mean,
                        .rstd = rstd,
                        .x = b.tensor({1, 3}, {1, 2, 3}),
                        .weight = b.tensor({3}, {1, 1, 2}),
                        .bias = b.tensor({3}, {0, 10, 0})});
  REQUIRE(near(b.at(mean, 0), 2));
  REQUIRE(near(b.at(rstd, 0), std::sqrt(1.5)));  // variance 2/3
  REQUIRE(near(b.at(y, 0), -std::sqrt(1.5)));
  REQUIRE(near(b.at(y, 1), 10));
  REQUIRE(near(b.at(y, 2), 2 * std::sqrt(1.5)));

  const Tensor z = b.tensor({1, 2}), sum = b.tensor({1, 2});
  b.ops().norm_forward({.kind = NormKind::RmsNorm,
                        .eps = 3.5,  // mean square 12.5: the root of 16
                        .y = z,
                        .rstd = rstd,
                        .sum = sum,
                        .x = b.tensor({1, 2}, {1, 1}),
                        .branch = b.tensor({1, 2}, {2, 3}),
                        .weight = b.tensor({2}, {1, 2})});
  REQUIRE(b.at(sum, 0) == 3);
  REQUIRE(near(b.at(z, 0), 0.75));
  REQUIRE(near(b.at(z, 1), 2));
}

TEST_CASE("activations pass through known points", "[ops]") {
  Bench b;
  const Tensor x = b.tensor({1, 2}, {1, -2}), y = b.tensor({1, 2});
  b.ops().activation_forward(Activation::Gelu, y, x);
  REQUIRE(std::abs(b.at(y, 0) - 0.841192) < 1e-6);  // tanh form, not erf's 0.841345
  REQUIRE(std::abs(b.at(y, 1) + 0.045402) < 1e-6);
  b.ops().activation_forward(Activation::Relu2, y, b.tensor({1, 2}, {-3, 3}));
  REQUIRE((b.at(y, 0) == 0 && b.at(y, 1) == 9));
  const Tensor narrow = b.tensor({1, 1});
  b.ops().activation_forward(Activation::SwiGlu, narrow, b.tensor({1, 2}, {std::log(3.0), 8}));
  REQUIRE(near(b.at(narrow, 0), 6 * std::log(3.0)));  // sigmoid(log 3) = 3/4, on the first half
}

TEST_CASE("rope turns a pair (x[d], x[d + D/2]) by the position's angle", "[ops]") {
  Bench b;
  const Tensor table = b.tensor({2, 4}, {1, 1, 0, 0, /* 90°, 180° */ 0, -1, 1, 0});
  const Tensor x = b.tensor({1, 1, 1, 4}, {1, 2, 3, 4});
  const Tensor position = b.ints({1, 1}, {1});
  b.ops().rope(x, table, {}, RopeDirection::Forward);  // position 0: nothing turns
  REQUIRE((b.at(x, 0) == 1 && b.at(x, 3) == 4));
  b.ops().rope(x, table, position, RopeDirection::Forward);
  REQUIRE((b.at(x, 0) == -3 && b.at(x, 1) == -2 && b.at(x, 2) == 1 && b.at(x, 3) == -4));
  b.ops().rope(x, table, position, RopeDirection::Backward);
  REQUIRE((b.at(x, 0) == 1 && b.at(x, 1) == 2 && b.at(x, 2) == 3 && b.at(x, 3) == 4));
}

TEST_CASE("attention averages the values in sight, by its scores", "[ops]") {
  Bench b;
  const Tensor v = b.tensor({1, 4, 1, 1}, {1, 2, 4, 8});
  const auto last = [&](std::vector<double> keys, AttentionOptions options) {
    const Tensor o = b.tensor({1, 1, 1, 1}), lse = b.tensor({1, 1, 1});
    b.ops().attention_forward({.options = options,
                               .o = o,
                               .lse = lse,
                               .q = b.tensor({1, 1, 1, 1}, {1}),
                               .k = b.tensor({1, 4, 1, 1}, keys),
                               .v = v});
    return std::pair(b.at(o, 0), b.at(lse, 0));
  };
  const std::vector<double> flat(4, 0.0), one_three{0, 0, 0, std::log(3.0)};
  REQUIRE(near(last(flat, {}).first, 15.0 / 4));  // the one query is the last of four positions
  REQUIRE(near(last(flat, {}).second, std::log(4.0)));
  REQUIRE(near(last(flat, {.window = 1}).first, 8));
  REQUIRE(near(last(flat, {.window = 3}).first, 14.0 / 3));
  REQUIRE(near(last(flat, {.segment_start = b.ints({1, 1}, {2})}).first, 6));
  REQUIRE(near(last(one_three, {}).first, (1 + 2 + 4 + 3 * 8) / 6.0));
  REQUIRE(near(last(one_three, {.scale = 2}).first, (1 + 2 + 4 + 9 * 8) / 12.0));
  // ALiBi with slope log 2 halves the weight with every step back.
  REQUIRE(near(last(flat, {.alibi_slopes = b.tensor({1}, {std::log(2.0)})}).first,
               (1 / 8.0 + 2 / 4.0 + 4 / 2.0 + 8) / (15 / 8.0)));
  // A softcap of c turns a huge score into c.
  REQUIRE(near(last({0, 0, 0, 1e6}, {.softcap = std::log(3.0)}).first, 31 / 6.0));
}

TEST_CASE("query heads share key and value heads in neighbouring groups", "[ops]") {
  Bench b;
  const Tensor o = b.tensor({1, 1, 4, 1}), lse = b.tensor({1, 4, 1});
  b.ops().attention_forward({.o = o,
                             .lse = lse,
                             .q = b.tensor({1, 1, 4, 1}, {1, 1, 1, 1}),
                             .k = b.tensor({1, 1, 2, 1}, {1, 1}),
                             .v = b.tensor({1, 1, 2, 1}, {5, 7})});
  REQUIRE((b.at(o, 0) == 5 && b.at(o, 1) == 5 && b.at(o, 2) == 7 && b.at(o, 3) == 7));
}

TEST_CASE("cross-entropy of equal logits is log V, and its gradient p minus one-hot", "[ops]") {
  Bench b;
  const Tensor loss = b.tensor({2}), logits = b.tensor({2, 5}, std::vector<double>(10, 3.0));
  b.ops().cross_entropy({.loss = loss,
                         .logits = logits,
                         .targets = b.ints({2}, {2, -1}),
                         .vocab_size = 4,
                         .scale = 8});
  REQUIRE(near(b.at(loss, 0), std::log(4.0)));
  REQUIRE(b.at(loss, 1) == 0);
  const double expected[] = {2, 2, -6, 2, 0, 0, 0, 0, 0, 0};
  for (int i = 0; i < 10; ++i) REQUIRE(near(b.at(logits, i), expected[i]));
}

TEST_CASE("clipping scales by max_norm / norm, and AdamW's first step is lr per coordinate",
          "[ops]") {
  Bench b;
  const Tensor scalars = b.tensor({kStepScalars});
  b.ops().clip_and_guard(scalars, b.tensor({2}, {9, 16}), b.tensor({2}, {1, 2}), 1);
  REQUIRE(b.at(scalars, kLoss) == 3);
  REQUIRE(b.at(scalars, kGradNorm) == 5);
  REQUIRE(near(b.at(scalars, kClipScale), 0.2));
  REQUIRE(b.at(scalars, kFinite) == 1);

  const Tensor p = b.tensor({2}, {1, 2}), m = b.tensor({2}), v = b.tensor({2});
  const AdamWSlice slice{
      .value = p, .m = m, .v = v, .grad = b.tensor({2}, {10, -0.1}), .weight_decay = 0.5};
  b.ops().adamw({.lr = 0.1, .beta1 = 0.9, .beta2 = 0.99, .eps = 0, .scalars = scalars},
                {&slice, 1});
  REQUIRE(near(b.at(m, 0), 0.1 * 2));  // gradient 10, clipped to 2
  REQUIRE(near(b.at(v, 0), 0.01 * 4));
  REQUIRE(near(b.at(p, 0), 1 - 0.1 * (1 + 0.5)));
  REQUIRE(near(b.at(p, 1), 2 - 0.1 * (-1 + 1.0)));
}

TEST_CASE("dropout keeps an element exactly where its random bits say so", "[ops]") {
  Bench b;
  const RandomStream stream{.seed = 7, .purpose = RandomPurpose::Dropout, .layer = 2, .index = 9};
  const Tensor x = b.tensor({1, 1000}, std::vector<double>(1000, 3.0)), y = b.tensor({1, 1000});
  b.ops().dropout(y, x, 0.25, stream);
  int kept = 0;
  for (int i = 0; i < 1000; ++i) {
    const bool keep = random_bits(stream, i) >= 0x40000000u;
    REQUIRE(b.at(y, i) == (keep ? 4 : 0));
    kept += keep;
  }
  REQUIRE(std::abs(kept - 750) < 70);  // 5 standard deviations of a fair draw
}

}  // namespace causeway
