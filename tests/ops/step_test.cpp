// The step's operations on every backend: sums, clipping and guard, AdamW, axpby, cast.
// Their cases are in core/cases/step.cpp.
#include <cmath>
#include <limits>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"
#include "tests/ops/agreement.h"
#include "tests/reference/backend.h"

#include "tests/catch.h"

namespace causeway {

TEST_CASE(
    "the step's operations, AdamW too, agree with the double reference on every product backend",
    "[ops][agreement][small]") {
  require_agreement(step_cases());
}

TEST_CASE("a non-finite loss or gradient norm clears kFinite on every backend", "[ops][small]") {
  const double inf = std::numeric_limits<double>::infinity();
  const auto exact = make_reference_backend(DType::F64);
  std::vector<Backend*> backends = {exact.get()};
  for (const NamedBackend& product : product_backends()) backends.push_back(product.backend.get());
  const OpCase c = clip_and_guard_case(3, 2, 1);
  for (Backend* backend : backends) {
    INFO(backend->name());
    CaseTensors t(
        *backend, c,
        {.precision = Precision::all(DType::F64), .rounding = Precision::all(DType::F64)});
    const auto finite = [&](double loss, double partial) {
      t.set("losses", {1, loss});
      t.set("partials", {1, partial, 2});
      c.forward.run(*backend, t);
      return t.values("scalars")[kFinite];
    };
    REQUIRE(finite(2, 3) == 1);
    REQUIRE(finite(std::nan(""), 3) == 0);
    REQUIRE(finite(inf, 3) == 0);
    REQUIRE(finite(2, inf) == 0);
    REQUIRE(finite(2, std::nan("")) == 0);
    REQUIRE(finite(2, 3) == 1);
  }
}

TEST_CASE("AdamW writes not one bit where kFinite is 0, and a NaN gradient then does no harm",
          "[ops][small]") {
  const OpCase c = adamw_case({.n = 37, .finite = 0});
  for (const NamedBackend& product : product_backends())
    for (PrecisionChoice choice : {PrecisionChoice::Fp32, PrecisionChoice::Bf16}) {
      INFO(product.name);
      CaseTensors t(*product.backend, c,
                    {.precision = Precision::of(choice), .rounding = Precision::of(choice)});
      t.set("grad", std::vector<double>(37, std::nan("")));
      std::vector<std::vector<double>> before;
      for (const char* name : {"value", "master", "m", "v"}) before.push_back(t.values(name));
      c.forward.run(*product.backend, t);
      for (size_t i = 0; i < before.size(); ++i) REQUIRE(t.values(c.tensors[i].name) == before[i]);
    }
}

TEST_CASE("a bf16 value after AdamW is its master, rounded", "[ops][small]") {
  const OpCase c = adamw_case({.n = 1031, .step = 3});
  const Precision precision = Precision::of(PrecisionChoice::Bf16);
  for (const NamedBackend& product : product_backends()) {
    INFO(product.name);
    CaseTensors t(*product.backend, c, {.precision = precision, .rounding = precision});
    c.forward.run(*product.backend, t);
    std::vector<double> rounded = t.values("master");
    for (double& e : rounded) e = static_cast<float>(bf16(static_cast<float>(e)));
    REQUIRE(t.values("value") == rounded);
  }
}

TEST_CASE("AdamW's stochastic rounding gives the same bits however a range is cut into slices",
          "[ops][small]") {
  const int64_t n = 4099, offset = 64;
  const OpCase whole = adamw_stochastic_case(n, offset);
  const Precision precision = Precision::of(PrecisionChoice::Bf16);
  for (const NamedBackend& product : product_backends()) {
    INFO(product.name);
    Backend& ops = *product.backend;
    CaseTensors expected(ops, whole, {.precision = precision, .rounding = precision});
    whole.forward.run(ops, expected);
    for (int64_t cut : {4, 64, 1236, 4096}) {  // from aligned packs to one element at a time
      INFO("cut at " << cut);
      CaseTensors t(ops, whole, {.precision = precision, .rounding = precision});
      std::vector<AdamWSlice> slices;
      for (const auto& [begin, size] : {std::pair(int64_t{0}, cut), std::pair(cut, n - cut)})
        slices.push_back({.value = t["value"].slice(0, begin, size),
                          .m = t["m"].slice(0, begin, size),
                          .v = t["v"].slice(0, begin, size),
                          .grad = t["grad"].slice(0, begin, size),
                          .offset = offset + begin});
      AdamW op = kStochasticStep;
      op.scalars = t["scalars"];
      ops.adamw(op, slices);
      REQUIRE(t.values("value") == expected.values("value"));
    }
  }
}

TEST_CASE("AdamW takes every slice of its list, each with its own weight decay", "[ops][small]") {
  for (const NamedBackend& product : product_backends()) {
    INFO(product.name);
    Backend& ops = *product.backend;
    const Buffer memory(ops, 256 * sizeof(float)), step(ops, kStepScalars * sizeof(double));
    const Tensor all(memory.data(), DType::F32, {256});
    std::vector<float> host(256, 0.0f);
    std::fill(host.begin(), host.begin() + 64, 1.0f);  // the values; moments and gradients are 0
    ops.upload(all, host.data());
    const Tensor scalars(step.data(), DType::F64, {kStepScalars});
    const double factors[kStepScalars] = {0, 0, 1, 1};
    ops.upload(scalars, factors);
    std::vector<AdamWSlice> slices;
    for (int64_t begin : {0, 40})
      slices.push_back({.value = all.slice(0, begin, 24),
                        .m = all.slice(0, 64 + begin, 24),
                        .v = all.slice(0, 128 + begin, 24),
                        .grad = all.slice(0, 192 + begin, 24),
                        .weight_decay = begin == 0 ? 0.5 : 0.25});
    ops.adamw({.lr = 0.5, .step = 1, .scalars = scalars}, slices);
    ops.download(host.data(), all);
    // No gradient: p ← p · (1 − lr · weight_decay), the 16 elements between the slices untouched.
    for (int i = 0; i < 64; ++i) REQUIRE(host[i] == (i < 24 ? 0.75f : i < 40 ? 1.0f : 0.875f));
  }
}

}  // namespace causeway
