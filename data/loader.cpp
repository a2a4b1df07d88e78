// See loader.h.
#include "data/loader.h"

#include <algorithm>
#include <span>

#include "core/error.h"
#include "core/philox.h"
#include "data/permutation.h"

namespace causeway {

namespace {

/// Row `row` of the batch from T + 1 tokens at `start`; positions from `count` on are padding.
void fill_row(const TokenFiles& files, int64_t start, int64_t count, int64_t row, int64_t T,
              HostBatch& batch) {
  const auto row_of = [&](std::vector<int32_t>& field) {
    return std::span<int32_t>(field).subspan(static_cast<size_t>(row * T), static_cast<size_t>(T));
  };
  const auto tokens = row_of(batch.tokens), targets = row_of(batch.targets);
  const auto counted = static_cast<size_t>(count);
  // Tokens are read twice, the second time one further: cheaper than a copy through a third place.
  files.read(start, tokens.first(counted));
  files.read(start + 1, targets.first(counted));
  std::fill(tokens.begin() + count, tokens.end(), 0);
  std::fill(targets.begin() + count, targets.end(), -1);
}

/// Where the document of each token of the row begins, and how far the token is from there.
void fill_segments(std::optional<int32_t> separator, int64_t row, int64_t T, HostBatch& batch) {
  int64_t begin = 0;
  for (int64_t t = 0; t < T; ++t) {
    const auto i = static_cast<size_t>(row * T + t);
    // The separator is the first token of its document: it predicts the document's first word and
    // must not see the document before.
    if (separator && batch.tokens[i] == *separator) begin = t;
    batch.segment_start[i] = static_cast<int32_t>(begin);
    batch.position[i] = static_cast<int32_t>(t - begin);
  }
}

constexpr int64_t kMixtureBlock = 1024;  // sequences in which every data set has its share

/// For messages: the file that holds token `at`.
std::string place(const TokenFiles& tokens, int64_t at = 0) {
  for (const Shard& shard : tokens.shards()) {
    if (at < shard.tokens()) return shard.path();
    at -= shard.tokens();
  }
  return tokens.shards().empty() ? std::string() : tokens.shards().front().path();
}

/// Weights as sequences of a block, which they fill: what rounding down leaves goes to the largest
/// remainders.
std::vector<int64_t> shares_of(std::span<const MixturePart> mixture) {
  double sum = 0;
  for (const MixturePart& part : mixture) sum += part.weight;
  std::vector<int64_t> shares;
  std::vector<std::pair<double, size_t>> remainders;
  int64_t left = kMixtureBlock;
  for (size_t i = 0; i < mixture.size(); ++i) {
    const double exact = mixture[i].weight / sum * static_cast<double>(kMixtureBlock);
    shares.push_back(static_cast<int64_t>(exact));
    remainders.emplace_back(static_cast<double>(shares[i]) - exact, i);
    left -= shares[i];
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t k = 0; k < static_cast<size_t>(left); ++k) ++shares[remainders[k].second];
  for (size_t i = 0; i < mixture.size(); ++i)
    if (shares[i] < 1)
      throw Error({.id = "data.mixture",
                   .where = fmt::format("data set {} of {}", i + 1, mixture.size()),
                   .what = fmt::format("its weight {} is less than one sequence in {}",
                                       mixture[i].weight, kMixtureBlock),
                   .remedy = "give it a larger weight, or leave it out"});
  return shares;
}

void check_size(const HostBatch& batch, int64_t B, int64_t T) {
  CHECK(batch.tokens.size() == static_cast<size_t>(B * T), "batch of {} tokens for B = {}, T = {}",
        batch.tokens.size(), B, T);
}

}  // namespace

HostBatch::HostBatch(int64_t B, int64_t T) {
  CHECK(B > 0 && T > 0, "batch of B = {}, T = {}", B, T);
  for (auto* field : {&tokens, &targets, &segment_start, &position})
    field->assign(static_cast<size_t>(B * T), 0);
}

Loader::Loader(const TokenFiles& tokens, uint64_t seed, int64_t B, int64_t T,
               std::optional<int32_t> separator, std::span<const MixturePart> mixture)
    : tokens_(&tokens), seed_(seed), B_(B), T_(T), separator_(separator) {
  CHECK(B > 0 && T > 0, "loader of B = {}, T = {}", B, T);
  const MixturePart whole{0, tokens.size()};
  if (mixture.empty()) mixture = {&whole, 1};
  const std::vector<int64_t> shares = shares_of(mixture);
  for (size_t i = 0; i < mixture.size(); ++i) add_part(mixture[i], shares[i]);
}

void Loader::add_part(const MixturePart& part, int64_t share) {
  const int64_t size = part.end - part.begin;
  const int64_t first = parts_.empty() ? 0 : parts_.back().first + parts_.back().share;
  parts_.push_back({part.begin, (size - T_) / T_, share, first});
  windows_ += parts_.back().windows;
  if (parts_.back().windows >= 1) return;
  const int64_t fits = size / 2;
  throw Error({.id = "data.too_small",
               .where = place(*tokens_, part.begin),
               .what = fmt::format("the training split has {} tokens; block_size {} needs {}", size,
                                   T_, 2 * T_),
               .remedy = fits >= 1 ? fmt::format("use model.block_size of at most {}, a smaller "
                                                 "data.val_fraction, or more text",
                                                 fits)
                                   : std::string("use more text")});
}

std::pair<const Loader::Part*, int64_t> Loader::sequence_of(int64_t g) const {
  if (parts_.size() == 1) return {&parts_.front(), g};
  // Apart from the windows' permutations, which epochs number from 0.
  constexpr uint64_t kMixtureOrder = uint64_t{1} << 62;
  const int64_t block = g / kMixtureBlock;
  const int64_t slot = permute_index(g % kMixtureBlock, kMixtureBlock, seed_,
                                     kMixtureOrder + static_cast<uint64_t>(block));
  const auto after = std::find_if(parts_.begin(), parts_.end(), [slot](const Part& part) {
    return slot < part.first + part.share;
  });
  return {&*after, block * after->share + slot - after->first};
}

int64_t Loader::window_start(int64_t g) const {
  const auto [part, i] = sequence_of(g);
  const int64_t epoch = i / part->windows;
  const auto index = static_cast<uint64_t>(epoch);
  const int64_t window = permute_index(i % part->windows, part->windows, seed_, index);
  const uint64_t bits = random_bits({seed_, RandomPurpose::DataShift, 0, index}, 0);
  const auto shift = static_cast<int64_t>(bits * static_cast<uint64_t>(T_) >> 32);  // [0, T)
  return part->begin + window * T_ + shift;
}

void Loader::fill(int64_t micro_batch, HostBatch& batch) const {
  CHECK(micro_batch >= 0, "micro-batch {}", micro_batch);
  check_size(batch, B_, T_);
  for (int64_t row = 0; row < B_; ++row) {
    fill_row(*tokens_, window_start(micro_batch * B_ + row), T_, row, T_, batch);
    fill_segments(separator_, row, T_, batch);
  }
}

double Loader::epochs(int64_t micro_batches) const {
  return static_cast<double>(micro_batches) * static_cast<double>(B_) /
         static_cast<double>(windows_);
}

EvalLoader::EvalLoader(const TokenFiles& tokens, int64_t B, int64_t T,
                       std::optional<int32_t> separator)
    : tokens_(&tokens), B_(B), T_(T), separator_(separator) {
  CHECK(B > 0 && T > 0, "loader of B = {}, T = {}", B, T);
  if (tokens.size() < 2)
    throw Error(
        {.id = "data.too_small",
         .where = place(tokens),
         .what = fmt::format("the validation split has {} tokens, a loss needs two", tokens.size()),
         .remedy = "use a larger data.val_fraction or more text, or eval.every=0"});
  const int64_t windows = (targets() + T - 1) / T;
  batches_ = (windows + B - 1) / B;
}

int64_t EvalLoader::fill(int64_t i, HostBatch& batch) const {
  CHECK(i >= 0 && i < batches_, "micro-batch {} of {}", i, batches_);
  check_size(batch, B_, T_);
  int64_t counted = 0;
  for (int64_t row = 0; row < B_; ++row) {
    const int64_t start = std::min((i * B_ + row) * T_, targets());
    const int64_t count = std::min(T_, targets() - start);
    fill_row(*tokens_, start, count, row, T_, batch);
    fill_segments(separator_, row, T_, batch);
    counted += count;
  }
  return counted;
}

}  // namespace causeway
