// Cases of the step's operations: sums, clipping, AdamW, axpby, cast. See families.h.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"
#include "core/convert.h"
#include "core/rounding.h"

namespace causeway {
namespace {

std::string_view name_of(ElementKind kind) {
  switch (kind) {
    case ElementKind::Act:
      return "act";
    case ElementKind::Stat:
      return "stat";
    case ElementKind::Grad:
      return "grad";
    case ElementKind::Scalar:
      return "scalar";
    case ElementKind::Int:
      break;
  }
  return "int";
}

int64_t chunks(int64_t n) { return (n + kNormChunk - 1) / kNormChunk; }

/// A value in the lanes of a scalars tensor.
Fill scalars(double clip_scale, double finite) {
  return [=](const RandomStream&, int64_t e) {
    return e == kClipScale ? clip_scale : e == kFinite ? finite : 0.0;
  };
}

/// Rounds f32 or f64 values to bf16 as a bf16 slice is rounded.
void round_values(Backend& ops, const Tensor& values, const RandomStream& stream, int64_t offset) {
  std::vector<std::byte> bytes(values.bytes());
  ops.download(bytes.data(), values);
  std::vector<float> numbers = to_floats(bytes, values.dtype);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint32_t random = random_bits(stream, static_cast<uint64_t>(offset) + i);
    const uint32_t bits = std::bit_cast<uint32_t>(numbers[i]);
    numbers[i] = std::bit_cast<float>(stochastic_bf16(bits, random) << 16);
  }
  ops.upload(values, convert(numbers, values.dtype).data());
}

}  // namespace

OpCase sum_case(int64_t n) {
  OpCase c{.name = fmt::format("step/sum n={}", n), .family = "step"};
  c.tensors = {{.name = "x", .kind = ElementKind::Stat, .shape = {n}, .fill = normal(1, 3)},
               {.name = "out",
                .role = Role::Output,
                .kind = ElementKind::Scalar,
                .shape = {1},
                .accuracy = {.terms = double(n), .magnitude = 3 * double(n)}}};
  c.forward = {.run = [](Backend& ops, const CaseTensors& t) { ops.sum(t["out"], t["x"]); },
               .flops = double(n),
               .moves = {"x"}};
  return c;
}

OpCase sum_of_squares_case(int64_t n) {
  OpCase c{.name = fmt::format("step/sum_of_squares n={}", n), .family = "step"};
  c.tensors = {{.name = "x", .kind = ElementKind::Grad, .shape = {n}, .fill = normal()},
               {.name = "partials",
                .role = Role::Output,
                .kind = ElementKind::Scalar,
                .shape = {chunks(n)},
                .accuracy = {.terms = double(std::min(n, kNormChunk))}}};
  c.forward = {
      .run = [](Backend& ops, const CaseTensors& t) { ops.sum_of_squares(t["partials"], t["x"]); },
      .flops = 2 * double(n),
      .moves = {"x"}};
  return c;
}

OpCase clip_and_guard_case(int64_t partials, int64_t losses, double max_norm) {
  OpCase c{
      .name = fmt::format("step/clip_and_guard P={} M={} max_norm={}", partials, losses, max_norm),
      .family = "step"};
  const Fill positive = [fill = normal()](const RandomStream& stream, int64_t e) {
    return std::abs(fill(stream, e));
  };
  const auto scalar = [](std::string name, Role role, int64_t n, Fill fill) {
    return TensorSpec{.name = std::move(name),
                      .role = role,
                      .kind = ElementKind::Scalar,
                      .shape = {n},
                      .fill = std::move(fill)};
  };
  c.tensors = {scalar("partials", Role::Input, partials, positive),
               scalar("losses", Role::Input, losses, positive),
               scalar("scalars", Role::Output, kStepScalars, {})};
  c.forward.run = [max_norm](Backend& ops, const CaseTensors& t) {
    ops.clip_and_guard(t["scalars"], t["partials"], t["losses"], max_norm);
  };
  c.forward.moves = {"partials", "losses"};
  return c;
}

OpCase axpby_case(int64_t n, ElementKind kind, double alpha, double beta) {
  OpCase c{
      .name = fmt::format("step/axpby {} n={} alpha={} beta={}", name_of(kind), n, alpha, beta),
      .family = "step"};
  c.tensors = {{.name = "x", .kind = kind, .shape = {n}, .fill = normal()},
               {.name = "y",
                .role = Role::Output,
                .kind = kind,
                .shape = {n},
                .fill = beta == 0 ? Fill{} : normal(),  // NaN: beta = 0 never reads y
                .accuracy = {.terms = 2, .magnitude = 1}}};
  c.forward = {
      .run = [alpha, beta](Backend& ops,
                           const CaseTensors& t) { ops.axpby(t["y"], alpha, t["x"], beta); },
      .flops = 3 * double(n),
      .moves = {"x", "y", "y"}};
  return c;
}

OpCase cast_case(int64_t n, ElementKind to, ElementKind from) {
  OpCase c{.name = fmt::format("step/cast n={} {} to {}", n, name_of(from), name_of(to)),
           .family = "step"};
  c.tensors = {{.name = "x", .kind = from, .shape = {n}, .fill = normal()},
               {.name = "y", .role = Role::Output, .kind = to, .shape = {n}}};
  c.forward = {.run = [](Backend& ops, const CaseTensors& t) { ops.cast(t["y"], t["x"]); },
               .moves = {"x", "y"}};
  return c;
}

/// The master is the truth, and value its rounding. Where value is no bf16 there is no master: then
/// the tensor of that name is updated as the value, and `value` copied from it afterwards.
OpCase adamw_case(const AdamWCase& o) {
  OpCase c{.name = fmt::format("step/adamw n={} step={} weight_decay={} finite={}", o.n, o.step,
                               o.weight_decay, o.finite),
           .family = "step"};
  // One stream for both, so that value starts as the master's rounding.
  const Fill weights = [fill = normal()](const RandomStream&, int64_t e) {
    return fill({.seed = 5}, e);
  };
  const Accuracy accuracy{.terms = 8, .growth = 2, .magnitude = 1};
  const auto add = [&](std::string name, Role role, ElementKind kind, Fill fill) {
    c.tensors.push_back({.name = std::move(name),
                         .role = role,
                         .kind = kind,
                         .shape = {o.n},
                         .fill = std::move(fill),
                         .accuracy = accuracy});
  };
  add("value", Role::Output, ElementKind::Act, weights);
  add("master", Role::Output, ElementKind::Grad, weights);
  add("m", Role::Output, ElementKind::Grad, normal());
  add("v", Role::Output, ElementKind::Grad,
      [fill = normal()](const RandomStream& stream, int64_t e) {
        return std::pow(fill(stream, e), 2);
      });
  add("grad", Role::Input, ElementKind::Grad, normal());
  c.tensors.push_back({.name = "scalars",
                       .kind = ElementKind::Scalar,
                       .shape = {kStepScalars},
                       .fill = scalars(0.5, o.finite)});
  c.forward.run = [o](Backend& ops, const CaseTensors& t) {
    const bool bf16 = t["value"].dtype == DType::BF16;
    const AdamWSlice slice{.value = bf16 ? t["value"] : t["master"],
                           .master = bf16 ? t["master"] : Tensor{},
                           .m = t["m"],
                           .v = t["v"],
                           .grad = t["grad"],
                           .weight_decay = o.weight_decay};
    ops.adamw({.lr = 0.01, .step = o.step, .scalars = t["scalars"]}, {&slice, 1});
  };
  c.forward.finish = [](Backend& ops, const CaseTensors& t) {
    if (t["value"].dtype != DType::BF16) ops.cast(t["value"], t["master"]);
  };
  c.forward.flops = 12 * double(o.n);
  c.forward.moves = {"value", "master", "master", "m", "m", "v", "v", "grad"};
  return c;
}

OpCase adamw_stochastic_case(int64_t n, int64_t offset) {
  OpCase c{.name = fmt::format("step/adamw stochastic n={} offset={}", n, offset),
           .family = "step"};
  const auto add = [&](std::string name, Role role, ElementKind kind, Fill fill) {
    c.tensors.push_back(
        {.name = std::move(name), .role = role, .kind = kind, .shape = {n}, .fill = fill});
  };
  add("value", Role::Output, ElementKind::Act, normal());
  add("m", Role::Output, ElementKind::Grad, normal());
  add("v", Role::Output, ElementKind::Grad, constant(1));
  add("grad", Role::Input, ElementKind::Grad,
      [sign = normal(), size = integers(-3, 3)](const RandomStream& stream, int64_t e) {
        return std::copysign(std::exp2(size(stream, e)), sign(stream, e));
      });
  c.tensors.push_back({.name = "scalars",
                       .kind = ElementKind::Scalar,
                       .shape = {kStepScalars},
                       .fill = scalars(0.5, 1)});
  c.forward.run = [offset](Backend& ops, const CaseTensors& t) {
    AdamW op = kStochasticStep;
    op.scalars = t["scalars"];
    const AdamWSlice slice{
        .value = t["value"], .m = t["m"], .v = t["v"], .grad = t["grad"], .offset = offset};
    ops.adamw(op, {&slice, 1});
  };
  c.forward.finish = [offset](Backend& ops, const CaseTensors& t) {
    if (t["value"].dtype != DType::BF16)
      round_values(ops, t["value"], kStochasticStep.rounding(), offset);
  };
  c.forward.flops = 12 * double(n);
  c.forward.moves = {"value", "value", "m", "m", "v", "v", "grad"};
  return c;
}

std::vector<OpCase> step_cases() {
  std::vector<OpCase> cases;
  for (int64_t n : {1, 7, 33, 100003}) cases.push_back(sum_case(n));
  for (int64_t n : {int64_t{1}, int64_t{17}, kNormChunk, kNormChunk + 1, 2 * kNormChunk + 33})
    cases.push_back(sum_of_squares_case(n));
  for (double max_norm : {0.0, 0.5, 1e6})
    for (int64_t n : {1, 13}) cases.push_back(clip_and_guard_case(n, n + 2, max_norm));
  for (ElementKind kind : {ElementKind::Act, ElementKind::Grad})
    for (double beta : {0.0, 1.0, -0.5})
      for (int64_t n : {1, 67, 20011}) cases.push_back(axpby_case(n, kind, 0.75, beta));
  for (ElementKind to : {ElementKind::Act, ElementKind::Grad, ElementKind::Scalar})
    for (ElementKind from : {ElementKind::Act, ElementKind::Grad, ElementKind::Scalar})
      cases.push_back(cast_case(to == from ? 1 : 1037, to, from));
  for (int64_t n : {1, 17, 20011})
    for (int64_t step : {1, 1000})
      for (double weight_decay : {0.0, 0.1})
        cases.push_back(adamw_case({.n = n, .step = step, .weight_decay = weight_decay}));
  cases.push_back(adamw_case({.n = 19, .finite = 0}));
  for (int64_t n : {1, 17, 20011})
    for (int64_t offset : {0, 4 * 4097}) cases.push_back(adamw_stochastic_case(n, offset));
  return cases;
}

}  // namespace causeway
