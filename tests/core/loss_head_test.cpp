// The loss in chunks of rows against the loss in one piece. See core/layers.h, LossHead.
#include "core/layers.h"
#include "tests/reference/backend.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::testing {
namespace {

constexpr int64_t kRows = 150, kWidth = 12, kVocab = 11, kPaddedVocab = 128;

/// What one LossHead makes of the same rows, targets and weights, in double.
class Losses {
 public:
  Losses(int64_t most_logits, GradMode mode) {
    const Tensor x = tensor({kRows, kWidth}, 1), targets = ids();
    Context ctx{.ops = *ops_,
                .arena = arena_,
                .params = params_,
                .precision = Precision::all(DType::F64),
                .values = tensor({params_.flat_size()}, 2),
                .grads = tensor({params_.flat_size()}, 3),
                .tables = {},
                .batch = {.B = 1, .T = kRows, .targets = targets},
                .grad_mode = mode,
                .gradient_scale = 1.0 / kRows};
    const Tensor loss = tensor({kRows}, 4), d_x = tensor({kRows, kWidth}, 5);
    const LossHead head{.weight = weight_,
                        .vocab_size = kVocab,
                        .padded_vocab = kPaddedVocab,
                        .softcap = 3,
                        .most_logits = most_logits};
    chunk_rows = head.chunk_rows(kRows);
    head.forward(ctx, loss, x);
    evaluated = values(loss);
    head.forward_backward(ctx, loss, d_x, x);
    trained = values(loss), d_rows = values(d_x), d_weight = values(ctx.grad(weight_));
  }

  int64_t chunk_rows = 0;
  std::vector<double> evaluated, trained, d_rows, d_weight;

 private:
  Tensor tensor(std::initializer_list<int64_t> shape, uint32_t stream) {
    Tensor t(nullptr, DType::F64, shape);
    t.data = memory_.emplace_back(*ops_, t.bytes()).data();
    std::vector<double> numbers(t.numel());
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = uniform(random_bits({.seed = stream}, i)) - 0.5;
    ops_->upload(t, numbers.data());
    return t;
  }
  /// Every seventh target is ignored.
  Tensor ids() {
    const Tensor t(memory_.emplace_back(*ops_, kRows * sizeof(int32_t)).data(), DType::I32,
                   {1, kRows});
    std::vector<int32_t> targets(kRows);
    for (int64_t i = 0; i < kRows; ++i)
      targets[i] = i % 7 == 3 ? -1 : static_cast<int32_t>(i * 5 % kVocab);
    ops_->upload(t, targets.data());
    return t;
  }
  std::vector<double> values(const Tensor& t) const {
    std::vector<double> numbers(t.numel());
    ops_->download(numbers.data(), t);
    return numbers;
  }

  std::unique_ptr<Backend> ops_ = make_reference_backend(DType::F64);
  std::vector<Buffer> memory_;
  Arena arena_{*ops_, size_t{1} << 20};
  ParamTable params_;
  ParamId weight_ = params_.add(
      {.name = "head.weight", .rows = kPaddedVocab, .cols = kWidth, .valid_rows = kVocab});
};

}  // namespace

TEST_CASE("the loss in three chunks of rows is the loss in one") {
  for (const GradMode mode : {GradMode::Overwrite, GradMode::Accumulate}) {
    const Losses whole(int64_t{1} << 26, mode), cut(64 * kPaddedVocab, mode);
    CHECK(whole.chunk_rows == kRows);
    CHECK(cut.chunk_rows == 64);
    CHECK(whole.evaluated == whole.trained);
    CHECK(cut.evaluated == whole.evaluated);
    CHECK(cut.trained == whole.trained);
    CHECK(cut.d_rows == whole.d_rows);
    double largest = 0, worst = 0;
    for (size_t i = 0; i < whole.d_weight.size(); ++i) {
      largest = std::max(largest, std::abs(whole.d_weight[i]));
      worst = std::max(worst, std::abs(cut.d_weight[i] - whole.d_weight[i]));
    }
    CHECK(largest > 0);
    CHECK(worst <= 1e-14 * largest);
  }
}

TEST_CASE("the loss takes at most eight chunks of many rows") {
  const LossHead head{.padded_vocab = kPaddedVocab, .most_logits = 64 * kPaddedVocab};
  for (const int64_t rows : {512, 513, 519, 1000, 4096, 4097}) {
    const int64_t chunk = head.chunk_rows(rows);
    CHECK(chunk % 64 == 0);
    CHECK((rows + chunk - 1) / chunk <= 8);
  }
}

}  // namespace causeway::testing
