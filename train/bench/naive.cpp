// See naive.h. Shapes stand above each loop; the letters are core/tensor.h's.
#include "train/bench/naive.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "core/cases/families.h"

namespace causeway {
namespace {

float* at(const Tensor& t) { return static_cast<float*>(t.data); }

/// y (N, O) = x (N, I) · w (O, I)ᵀ + bias (O)
void matmul(const Tensor& y, const Tensor& x, const Tensor& w, const Tensor& bias) {
  const int64_t N = x.shape[0], I = x.shape[1], O = w.shape[0];
  for (int64_t n = 0; n < N; ++n)
    for (int64_t o = 0; o < O; ++o)
      at(y)[n * O + o] = std::inner_product(at(x) + n * I, at(x) + (n + 1) * I, at(w) + o * I,
                                            bias.data ? at(bias)[o] : 0.0f);
}

/// One query's row: o (D) = softmax(q · kᵀ / √D) · v over keys 0 … t; k and v (T, K, D) of one
/// sequence and key head, `step` elements from key to key.
void attend(float* o, float* lse, const float* q, const float* k, const float* v, int64_t t,
            int64_t step, int64_t D, std::vector<float>& score) {
  const float scale = 1 / std::sqrt(static_cast<float>(D));
  float largest = -INFINITY, sum = 0;
  for (int64_t j = 0; j <= t; ++j) {
    score[j] = scale * std::inner_product(q, q + D, k + j * step, 0.0f);
    largest = std::max(largest, score[j]);
  }
  for (int64_t j = 0; j <= t; ++j) sum += score[j] = std::exp(score[j] - largest);
  std::fill(o, o + D, 0.0f);
  for (int64_t j = 0; j <= t; ++j)
    for (int64_t d = 0; d < D; ++d) o[d] += score[j] / sum * v[j * step + d];
  *lse = largest + std::log(sum);
}

/// o, q (B, T, H, D) · k, v (B, T, K, D) · lse (B, H, T)
void attention(const CaseTensors& t) {
  const Tensor q = t["q"], k = t["k"];
  const int64_t B = q.shape[0], T = q.shape[1], H = q.shape[2], D = q.shape[3], K = k.shape[2];
  std::vector<float> score(T);
  for (int64_t b = 0; b < B; ++b)
    for (int64_t i = 0; i < T; ++i)
      for (int64_t h = 0; h < H; ++h) {
        const int64_t query = ((b * T + i) * H + h) * D, key = (b * T * K + h / (H / K)) * D;
        attend(at(t["o"]) + query, at(t["lse"]) + (b * H + h) * T + i, at(q) + query, at(k) + key,
               at(t["v"]) + key, i, K * D, D, score);
      }
}

/// sum, x, branch, y (N, C) · weight, bias (C) · mean, rstd (N); mean and bias absent: RMS norm
void norm(const CaseTensors& t, double eps) {
  const int64_t N = t["y"].shape[0], C = t["y"].shape[1];
  const float *x = at(t["x"]), *branch = at(t["branch"]);
  const float *weight = at(t["weight"]), *bias = at(t["bias"]);
  float *sum = at(t["sum"]), *y = at(t["y"]), *means = at(t["mean"]), *rstds = at(t["rstd"]);
  for (int64_t n = 0; n < N; ++n, x += C, branch += C, sum += C, y += C) {
    float mean = 0, square = 0;
    for (int64_t c = 0; c < C; ++c) sum[c] = x[c] + branch[c];
    for (int64_t c = 0; c < C; ++c) mean += means ? sum[c] / static_cast<float>(C) : 0;
    for (int64_t c = 0; c < C; ++c) square += (sum[c] - mean) * (sum[c] - mean);
    const float rstd = 1 / std::sqrt(square / static_cast<float>(C) + static_cast<float>(eps));
    for (int64_t c = 0; c < C; ++c)
      y[c] = (sum[c] - mean) * rstd * weight[c] + (bias ? bias[c] : 0);
    if (means) means[n] = mean;
    rstds[n] = rstd;
  }
}

/// y, x (N, F)
void gelu(const CaseTensors& t) {
  const float* in = at(t["x"]);
  float* y = at(t["y"]);
  for (int64_t e = 0, n = t["y"].numel(); e < n; ++e) {
    const float x = in[e];
    y[e] = 0.5f * x * (1 + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
  }
}

/// loss (N) · logits (N, Vp), of which the first V count · targets (N)
void cross_entropy(const CaseTensors& t, int64_t V) {
  const int64_t N = t["logits"].shape[0], Vp = t["logits"].shape[1];
  const auto* targets = static_cast<const int32_t*>(t["targets"].data);
  const float* row = at(t["logits"]);
  float* loss = at(t["loss"]);
  for (int64_t n = 0; n < N; ++n, row += Vp) {
    float largest = row[0], sum = 0;
    for (int64_t v = 1; v < V; ++v) largest = std::max(largest, row[v]);
    for (int64_t v = 0; v < V; ++v) sum += std::exp(row[v] - largest);
    loss[n] = largest + std::log(sum) - row[targets[n]];
  }
}

}  // namespace

Step::Run naive_forward(const std::string& op, const OpCase& c, const KernelSizes& sizes) {
  using Tensors = const CaseTensors&;
  if (op == "matmul" && c.find("x"))
    return [](Backend&, Tensors t) { matmul(t["y"], t["x"], t["w"], t["bias"]); };
  if (op == "matmul") return [](Backend&, Tensors t) { matmul(t["y"], t["a"], t["b"], {}); };
  if (op == "attention" && sizes.window == 0) return [](Backend&, Tensors t) { attention(t); };
  if (op == "norm") return [](Backend&, Tensors t) { norm(t, NormCase{}.eps); };
  if (op == "activation" && sizes.activation == Activation::Gelu)
    return [](Backend&, Tensors t) { gelu(t); };
  if (op == "cross_entropy") return [V = sizes.V](Backend&, Tensors t) { cross_entropy(t, V); };
  return {};
}

}  // namespace causeway
