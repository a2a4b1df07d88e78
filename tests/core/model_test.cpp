// The whole model's gradient, in every option and many pairs of options, against the complex step.
// Read next: tiny_model.h, tests/reference/backend.h.
#include "core/model.h"

#include <functional>

#include "tests/core/tiny_model.h"
#include "tests/reference/backend.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::testing {
namespace {

using Complex = std::complex<double>;
constexpr double kStep = 1e-30;

struct Option {
  std::string name;
  std::function<void(ModelConfig&)> set;
};

const std::vector<Option>& options() {
  static const std::vector<Option> all = {
      {"sinusoidal", [](ModelConfig& c) { c.position = PositionKind::Sinusoidal; }},
      {"rope", [](ModelConfig& c) { c.position = PositionKind::Rope; }},
      {"alibi", [](ModelConfig& c) { c.position = PositionKind::Alibi; }},
      {"no positions", [](ModelConfig& c) { c.position = PositionKind::None; }},
      {"rmsnorm", [](ModelConfig& c) { c.norm = NormChoice::RmsNorm; }},
      {"swiglu", [](ModelConfig& c) { c.mlp = MlpKind::SwiGlu; }},
      {"relu2", [](ModelConfig& c) { c.mlp = MlpKind::Relu2; }},
      {"no bias", [](ModelConfig& c) { c.bias = false; }},
      {"grouped-query", [](ModelConfig& c) { c.n_head = 3, c.head_size = 4, c.n_kv_head = 1; }},
      {"wide heads", [](ModelConfig& c) { c.head_size = 10; }},
      {"qk-norm", [](ModelConfig& c) { c.qk_norm = true; }},
      {"sliding window", [](ModelConfig& c) { c.sliding_window = 3; }},
      {"attention softcap", [](ModelConfig& c) { c.attention_softcap = 1.5; }},
      {"logit softcap", [](ModelConfig& c) { c.logit_softcap = 2; }},
      {"untied", [](ModelConfig& c) { c.tie_embeddings = false; }},
      {"dropout", [](ModelConfig& c) { c.dropout = 0.3; }},
  };
  return all;
}

/// Compares `coordinates` seeded elements of every parameter's gradient, and one direction through
/// all of them, with the derivative that the complex step reads off the forward pass.
void check_gradient(const ModelConfig& config, bool segments, int coordinates) {
  const auto real = make_reference_backend(DType::F64);
  const auto complex = make_reference_backend(DType::C128);
  TinyModel a(*real, config, Precision::all(DType::F64), Recompute::None, segments);
  TinyModel b(*complex, config, Precision::all(DType::C128), Recompute::None, segments);
  a.forward_backward();
  const auto gradient = a.download<double>(a.state.grads[0]);

  const auto derivative = [&](const Tensor& place, const std::vector<Complex>& values,
                              const std::vector<double>& direction) {
    std::vector<Complex> moved = values;
    for (size_t i = 0; i < moved.size(); ++i) moved[i] += Complex(0, kStep * direction[i]);
    complex->upload(place, moved.data());
    const double d = b.loss<Complex>().imag() / kStep / b.rows();
    complex->upload(place, values.data());
    return d;
  };

  for (const ParamInfo& p : a.model.params().all()) {
    const Tensor place = b.state.values.slice(0, p.offset, p.valid_numel());
    const auto values = b.download<Complex>(place);
    const double* g = gradient.data() + p.offset;
    double largest = 0, sum = 0;
    for (size_t i = 0; i < values.size(); ++i)
      largest = std::max(largest, std::abs(g[i])), sum += std::abs(g[i]);
    INFO(p.name);
    // A parameter without influence is legitimate only where a shift cancels: keys' biases.
    if (largest < 1e-13) continue;

    std::vector<double> direction(values.size(), 0.0);
    for (int k = 0; k < coordinates; ++k) {
      const size_t i = random_bits({.seed = 3}, k) % values.size();
      direction[i] = 1;
      CHECK(std::abs(derivative(place, values, direction) - g[i]) <= 1e-12 * largest);
      direction[i] = 0;
    }
    double along = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      direction[i] = random_bits({.seed = 4}, i) & 1 ? 1 : -1;
      along += direction[i] * g[i];
    }
    CHECK(std::abs(derivative(place, values, direction) - along) <= 1e-12 * sum);
  }
}

}  // namespace

TEST_CASE("the GPT-2 model's gradient equals the complex step") {
  check_gradient(tiny_config(), false, 32);
}

TEST_CASE("every option's gradient equals the complex step") {
  for (const Option& option : options()) {
    ModelConfig config = tiny_config();
    option.set(config);
    INFO(option.name);
    check_gradient(config, false, 32);
  }
}

TEST_CASE("document masks and positions have exact gradients") {
  check_gradient(tiny_config(), true, 16);
  ModelConfig config = tiny_config();
  config.position = PositionKind::Rope;
  check_gradient(config, true, 16);
}

TEST_CASE("every pair of options has an exact gradient") {
  const auto& all = options();
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = i + 1; j < all.size(); ++j) {
      ModelConfig config = tiny_config();
      config.n_layer = 1;
      all[i].set(config), all[j].set(config);
      INFO(all[i].name << " and " << all[j].name);
      check_gradient(config, (i + j) % 2 == 0, 1);
    }
}

TEST_CASE("recomputation changes no bit of loss or gradient") {
  const auto backend = make_reference_backend(DType::F64);
  for (MlpKind mlp : {MlpKind::Gelu, MlpKind::SwiGlu}) {
    ModelConfig config = tiny_config();
    config.mlp = mlp, config.dropout = 0.2, config.qk_norm = true;
    config.position = PositionKind::Rope;
    TinyModel none(*backend, config, Precision::all(DType::F64), Recompute::None);
    const double loss = none.forward_backward();
    const auto gradient = none.download<double>(none.state.grads[0]);
    size_t memory = none.measured();
    for (Recompute recompute : {Recompute::Mlp, Recompute::Block}) {
      TinyModel other(*backend, config, Precision::all(DType::F64), recompute);
      CHECK(other.forward_backward() == loss);
      CHECK(other.download<double>(other.state.grads[0]) == gradient);
      CHECK(other.measured() < memory);
      memory = other.measured();
    }
  }
}

TEST_CASE("a second micro-batch accumulates onto the first, tied weights included") {
  const auto backend = make_reference_backend(DType::F64);
  for (bool tied : {true, false}) {
    ModelConfig config = tiny_config();
    config.tie_embeddings = tied;
    TinyModel model(*backend, config, Precision::all(DType::F64));
    model.forward_backward(GradMode::Overwrite);
    const auto once = model.download<double>(model.state.grads[0]);
    model.forward_backward(GradMode::Accumulate);
    const auto twice = model.download<double>(model.state.grads[0]);
    model.forward_backward(GradMode::Overwrite);
    CHECK(model.download<double>(model.state.grads[0]) == once);
    double worst = 0, largest = 0;
    for (size_t i = 0; i < once.size(); ++i) {
      worst = std::max(worst, std::abs(twice[i] - 2 * once[i]));
      largest = std::max(largest, std::abs(once[i]));
    }
    CHECK(worst <= 1e-14 * largest);
  }
}

}  // namespace causeway::testing
