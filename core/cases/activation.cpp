// Cases of the activations and of dropout. See families.h; core/backend.h, enum Activation.
#include <cmath>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"

namespace causeway {
namespace {

std::string_view name_of(Activation kind) {
  switch (kind) {
    case Activation::Gelu:
      return "gelu";
    case Activation::SwiGlu:
      return "swiglu";
    case Activation::Relu2:
      return "relu2";
  }
  return "?";
}

/// Normal, with an exact 0 in every thirteenth place: relu2's corner.
Fill normal_with_zeros(double spread) {
  return [fill = normal(spread)](const RandomStream& stream, int64_t e) {
    return e % 13 == 5 ? 0.0 : fill(stream, e);
  };
}

}  // namespace

OpCase activation_case(const ActivationCase& o) {
  OpCase c{.name = fmt::format("activation/{} N={} F={}{}{}", name_of(o.kind), o.N, o.F,
                               o.spread != 1 ? fmt::format(" spread={}", o.spread) : "",
                               o.in_place == With::Yes ? " d_x=d_y" : ""),
           .family = "activation"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const std::vector<int64_t> narrow{o.N, o.F};
  const std::vector<int64_t> x{o.N, o.kind == Activation::SwiGlu ? 2 * o.F : o.F};
  // A vectorised exp or tanh may be a few units off; slopes are at most about `spread`.
  const Accuracy accuracy{.terms = 4, .growth = 2, .magnitude = o.spread};
  add({.name = "x", .shape = x, .fill = normal_with_zeros(o.spread)});
  add({.name = "y", .role = Role::Output, .shape = narrow, .accuracy = accuracy});
  add({.name = "d_y", .role = Role::Cotangent, .shape = narrow, .fill = normal()});
  add({.name = "d_x",
       .role = Role::Gradient,
       .shape = x,
       .alias = o.in_place == With::Yes ? "d_y" : "",
       .accuracy = accuracy});
  c.forward = {.run = [o](Backend& ops,
                          const CaseTensors& t) { ops.activation_forward(o.kind, t["y"], t["x"]); },
               .flops = 10 * double(o.N * o.F),
               .moves = {"x", "y"}};
  c.backward = {.run =
                    [o](Backend& ops, const CaseTensors& t) {
                      ops.activation_backward(o.kind, t["d_x"], t["d_y"], t["x"]);
                    },
                .flops = 16 * double(o.N * o.F),
                .moves = {"x", "d_y", "d_x"}};
  return c;
}

std::vector<OpCase> activation_cases() {
  std::vector<OpCase> cases;
  for (Activation kind : {Activation::Gelu, Activation::SwiGlu, Activation::Relu2}) {
    const int64_t sizes[][2] = {{1, 1}, {1, 7}, {3, 17}, {5, 33}, {2, 129}, {9, 517}};
    for (const auto& s : sizes)
      for (double spread : {1.0, 15.0})
        cases.push_back(activation_case({.kind = kind, .N = s[0], .F = s[1], .spread = spread}));
    if (kind != Activation::SwiGlu)
      cases.push_back(activation_case({.kind = kind, .N = 3, .F = 19, .in_place = With::Yes}));
  }
  return cases;
}

OpCase dropout_case(const DropoutCase& o) {
  OpCase c{.name = fmt::format("dropout/N={} C={} p={}{}", o.N, o.C, o.p,
                               o.in_place == With::Yes ? " y=x" : ""),
           .family = "dropout"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const std::vector<int64_t> shape{o.N, o.C};
  const bool in_place = o.in_place == With::Yes;
  add({.name = "x", .shape = shape, .fill = normal()});
  add({.name = "y", .role = Role::Output, .shape = shape, .alias = in_place ? "x" : ""});
  add({.name = "d_y", .role = Role::Cotangent, .shape = shape, .fill = normal()});
  add({.name = "d_x", .role = Role::Gradient, .shape = shape, .alias = in_place ? "d_y" : ""});
  // All parts of the stream's name are at work, the wide ones beyond 32 bits.
  const RandomStream stream{.seed = 0x123456789abcull,
                            .purpose = RandomPurpose::Dropout,
                            .layer = 3,
                            .index = 0x200000007ull};
  const auto step = [&](std::string out, std::string in) {
    return Step{
        .stage = {},
        .run = [p = o.p, stream, out, in](
                   Backend& ops, const CaseTensors& t) { ops.dropout(t[out], t[in], p, stream); },
        .flops = double(o.N * o.C),
        .moves = {out, in}};
  };
  c.forward = step("y", "x");
  c.backward = step("d_x", "d_y");
  return c;
}

std::vector<OpCase> dropout_cases() {
  std::vector<OpCase> cases;
  for (With in_place : {With::No, With::Yes})
    for (double p : {0.0, 0.25, 0.9}) {
      const int64_t sizes[][2] = {{1, 1}, {1, 7}, {3, 33}, {5, 64}, {65, 129}};
      for (const auto& s : sizes)
        cases.push_back(dropout_case({.N = s[0], .C = s[1], .p = p, .in_place = in_place}));
    }
  return cases;
}

}  // namespace causeway
