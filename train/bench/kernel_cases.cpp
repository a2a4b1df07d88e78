// See kernel_cases.h.
#include "train/bench/kernel_cases.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "core/cases/families.h"
#include "core/error.h"
#include "core/layers.h"

namespace causeway {
namespace {

/// The head's columns, as models have them.
int64_t padded_vocab(const KernelSizes& s) {
  ModelConfig model;
  model.vocab_size = s.V;
  return model.padded_vocab();
}
/// Rows of logits that a model makes at a time.
int64_t head_rows(const KernelSizes& s) {
  return LossHead{.padded_vocab = padded_vocab(s)}.chunk_rows(s.B * s.T);
}

With with(bool flag) { return flag ? With::Yes : With::No; }

std::vector<OpCase> matmuls(const KernelSizes& s) {
  if (s.M > 0) return {matmul_case({.M = s.M, .N = s.N, .K = s.k, .b_transpose = Transpose::Yes})};
  const int64_t rows = s.B * s.T, up = s.activation == Activation::SwiGlu ? 2 * s.F : s.F;
  const auto linear = [&](int64_t n, int64_t in, int64_t out, bool bias) {
    return linear_case({.N = n, .I = in, .O = out, .bias = with(bias)});
  };
  return {linear(rows, s.C, (s.H + 2 * s.K) * s.D, s.bias), linear(rows, s.H * s.D, s.C, s.bias),
          linear(rows, s.C, up, s.bias), linear(rows, s.F, s.C, s.bias),
          linear(head_rows(s), s.C, padded_vocab(s), false)};
}

struct Family {
  const char* name;
  std::vector<OpCase> (*cases)(const KernelSizes&);
};

constexpr Family kFamilies[] = {
    {"embedding",
     [](const KernelSizes& s) -> std::vector<OpCase> {
       return {embedding_case({.B = s.B, .T = s.T, .C = s.C, .V = s.V, .wpe = with(!s.rope)})};
     }},
    {"norm",
     [](const KernelSizes& s) -> std::vector<OpCase> {
       return {norm_case({.kind = s.norm,
                          .N = s.B * s.T,
                          .C = s.C,
                          .bias = with(s.bias && s.norm == NormKind::LayerNorm),
                          .branch = With::Yes})};
     }},
    {"matmul", matmuls},
    {"rope",
     [](const KernelSizes& s) -> std::vector<OpCase> {
       return {rope_case({.B = s.B, .T = s.T, .H = s.H, .D = s.D})};
     }},
    {"attention",
     [](const KernelSizes& s) -> std::vector<OpCase> {
       return {attention_case(
           {.B = s.B, .Tq = s.T, .Tk = s.T, .H = s.H, .K = s.K, .D = s.D, .window = s.window})};
     }},
    {"activation",
     [](const KernelSizes& s) -> std::vector<OpCase> {
       return {activation_case({.kind = s.activation, .N = s.B * s.T, .F = s.F})};
     }},
    {"dropout",
     [](const KernelSizes& s) -> std::vector<OpCase> {
       return {dropout_case({.N = s.B * s.T, .C = s.C})};
     }},
    {"cross_entropy",
     [](const KernelSizes& s) -> std::vector<OpCase> {
       return {cross_entropy_case(
           {.N = s.N > 0 ? s.N : head_rows(s), .V = s.V, .Vp = padded_vocab(s), .scale = 0.125})};
     }},
    {"sum_of_squares",
     [](const KernelSizes& s) -> std::vector<OpCase> { return {sum_of_squares_case(s.n)}; }},
    {"adamw", [](const KernelSizes& s) -> std::vector<OpCase> { return {adamw_case({.n = s.n})}; }},
};

[[noreturn]] void throw_shape(const std::string& text, std::string what) {
  throw Error({.id = "usage.shape",
               .where = "--shape " + text,
               .what = std::move(what),
               .remedy = "extents, with commas: B T C H K D F V window, n (of the optimizer), "
                         "N (rows of the loss), or M N K of one product; whole numbers from 1 to "
                         "16777216"});
}

int64_t positive(const std::string& word, const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && value > 0 && value <= int64_t{1} << 24) return value;
  throw_shape(word, fmt::format("\"{}\" is no extent", text));
}

}  // namespace

KernelSizes KernelSizes::of(const ModelConfig& m, int64_t batch) {
  KernelSizes s{.B = batch,
                .T = m.block_size,
                .C = m.n_embd,
                .H = m.n_head,
                .K = m.kv_heads(),
                .D = m.head_dim(),
                .F = m.mlp_width(),
                .V = m.vocab_size.value(),
                .window = m.sliding_window,
                .norm = m.norm == NormChoice::LayerNorm ? NormKind::LayerNorm : NormKind::RmsNorm,
                .activation = m.mlp == MlpKind::SwiGlu  ? Activation::SwiGlu
                              : m.mlp == MlpKind::Relu2 ? Activation::Relu2
                                                        : Activation::Gelu,
                .bias = m.bias,
                .rope = m.position == PositionKind::Rope};
  s.n = s.C * (2 * (s.H + s.K) * s.D + (s.activation == Activation::SwiGlu ? 3 : 2) * s.F);
  return s;
}

void KernelSizes::replace(const std::string& text) {
  std::map<std::string, int64_t, std::less<>> given;
  for (std::stringstream words(text); words.good();) {
    std::string word;
    std::getline(words, word, ',');
    const size_t equals = std::min(word.find('='), word.size());
    given[word.substr(0, equals)] = positive(word, word.substr(std::min(equals + 1, word.size())));
  }
  const auto take = [&](std::string_view key, int64_t& extent) {
    const auto found = given.find(key);
    if (found == given.end()) return false;
    extent = found->second;
    given.erase(found);
    return true;
  };
  take("N", N);
  if (take("M", M)) {
    if (N == 0 || !take("K", k)) throw_shape(text, "a product needs M, N and K");
  }
  const bool heads = take("H", H);
  if (!take("K", K) && heads) K = H;
  const std::pair<std::string_view, int64_t*> others[] = {{"B", &B}, {"T", &T},          {"C", &C},
                                                          {"D", &D}, {"F", &F},          {"V", &V},
                                                          {"n", &n}, {"window", &window}};
  for (const auto& [key, extent] : others) take(key, *extent);
  if (!given.empty())
    throw_shape(text, fmt::format("there is no extent \"{}\"", given.begin()->first));
  if (H % K != 0) throw_shape(text, fmt::format("{} heads cannot share {} key heads", H, K));
}

std::vector<std::string> kernel_ops() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) names.emplace_back(family.name);
  return names;
}

std::vector<OpCase> kernel_cases(const std::string& op, const KernelSizes& sizes) {
  for (const Family& family : kFamilies)
    if (op == family.name) return family.cases(sizes);
  throw Error({.id = "usage.op",
               .where = "--op " + op,
               .what = "there is no such operation",
               .remedy = fmt::format("operations: {}", fmt::join(kernel_ops(), " "))});
}

}  // namespace causeway
