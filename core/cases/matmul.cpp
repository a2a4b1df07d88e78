// Cases of the matrix product: the raw call in every option, and the linear layer with its
// backward. See families.h; core/backend.h, struct Matmul.
#include <cmath>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"

namespace causeway {
namespace {

std::string_view name_of(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::None:
      break;
    case Epilogue::Gelu:
      return " gelu";
    case Epilogue::GeluBackward:
      return " gelu_backward";
  }
  return "";
}

std::string describe(const MatmulCase& o) {
  std::string s = fmt::format("matmul/matmul M={} N={} K={}", o.M, o.N, o.K);
  s += fmt::format(" {}{}", o.a_transpose == Transpose::Yes ? 'T' : 'N',
                   o.b_transpose == Transpose::Yes ? 'T' : 'N');
  s += name_of(o.epilogue);
  if (o.bias == With::Yes) s += " bias";
  if (o.d_bias == With::Yes) s += " d_bias";
  if (o.mode == GradMode::Accumulate) s += " accumulate";
  if (o.y_kind == ElementKind::Grad) s += " grad";
  if (o.strided == With::Yes) s += " strided";
  return s;
}

/// A sum of k products of standard normals is about √k large.
Accuracy sum_of_products(int64_t k) {
  return {.terms = double(k), .magnitude = std::sqrt(double(k)) + 1};
}

}  // namespace

OpCase matmul_case(const MatmulCase& o) {
  const bool at = o.a_transpose == Transpose::Yes, bt = o.b_transpose == Transpose::Yes;
  const Padding pad = o.strided == With::Yes ? Padding{1, 3, 2} : Padding{};
  const Padding wider = o.strided == With::Yes ? Padding{1, 3, 7} : Padding{};
  const Fill onto = o.mode == GradMode::Accumulate ? normal() : Fill{};
  OpCase c{.name = describe(o), .family = "matmul"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const auto shape = [](int64_t r, int64_t s, bool swap) {
    return swap ? std::vector<int64_t>{s, r} : std::vector<int64_t>{r, s};
  };
  add({.name = "a", .shape = shape(o.M, o.K, at), .fill = normal(), .padding = pad});
  add({.name = "b", .shape = shape(o.K, o.N, bt), .fill = normal(), .padding = pad});
  if (o.bias == With::Yes) add({.name = "bias", .shape = {o.N}, .fill = normal()});
  if (o.epilogue == Epilogue::GeluBackward)
    add({.name = "pre", .shape = {o.M, o.N}, .fill = normal(), .padding = pad});
  if (o.epilogue == Epilogue::Gelu)
    add({.name = "pre",
         .role = Role::Saved,
         .shape = {o.M, o.N},
         .padding = wider,
         .accuracy = sum_of_products(o.K)});
  Accuracy accuracy = sum_of_products(o.K);
  if (o.epilogue == Epilogue::Gelu) accuracy.inner = Inner::ActRounded;  // of pre
  if (o.epilogue == Epilogue::GeluBackward) accuracy.roundings = 2;      // before the slope
  add({.name = "y",
       .role = Role::Output,
       .kind = o.y_kind,
       .shape = {o.M, o.N},
       .fill = onto,
       .padding = pad,
       .accuracy = accuracy});
  if (o.d_bias == With::Yes)
    add({.name = "d_bias",
         .role = Role::Output,
         .kind = ElementKind::Grad,
         .shape = {o.M},
         .fill = onto,
         .accuracy = sum_of_products(o.K)});
  c.forward.run = [o](Backend& ops, const CaseTensors& t) {
    ops.matmul({.y = t["y"],
                .a = t["a"],
                .b = t["b"],
                .a_transpose = o.a_transpose,
                .b_transpose = o.b_transpose,
                .mode = o.mode,
                .bias = t["bias"],
                .epilogue = o.epilogue,
                .pre = t["pre"],
                .d_bias = t["d_bias"]});
  };
  c.forward.flops = 2.0 * double(o.M) * double(o.N) * double(o.K);
  c.forward.moves = {"a", "b", "y"};
  if (o.mode == GradMode::Accumulate) c.forward.moves.push_back("y");
  if (o.epilogue != Epilogue::None) c.forward.moves.push_back("pre");
  return c;
}

namespace {

void linear_forward(Backend& ops, const CaseTensors& t, Epilogue epilogue) {
  if (epilogue == Epilogue::GeluBackward) ops.activation_forward(Activation::Gelu, t["h"], t["x"]);
  ops.matmul({.y = t["y"],
              .a = epilogue == Epilogue::GeluBackward ? t["h"] : t["x"],
              .b = t["w"],
              .b_transpose = Transpose::Yes,
              .bias = t["bias"],
              .epilogue = epilogue == Epilogue::Gelu ? Epilogue::Gelu : Epilogue::None,
              .pre = t["pre"]});
}

void linear_backward(Backend& ops, const CaseTensors& t, Epilogue epilogue, GradMode mode) {
  Tensor d_y = t["d_y"];
  if (epilogue == Epilogue::Gelu) {
    ops.activation_backward(Activation::Gelu, t["d_pre"], d_y, t["pre"]);
    d_y = t["d_pre"];
  }
  const bool after_gelu = epilogue == Epilogue::GeluBackward;
  ops.matmul({.y = t["d_w"],
              .a = d_y,
              .b = after_gelu ? t["h"] : t["x"],
              .a_transpose = Transpose::Yes,
              .mode = mode,
              .d_bias = t["d_bias"]});
  ops.matmul({.y = t["d_x"],
              .a = d_y,
              .b = t["w"],
              .epilogue = after_gelu ? epilogue : Epilogue::None,
              .pre = after_gelu ? t["x"] : Tensor{}});
}

}  // namespace

OpCase linear_case(const LinearCase& o) {
  OpCase c{.name = fmt::format("matmul/linear N={} I={} O={}{}{}{}", o.N, o.I, o.O,
                               name_of(o.epilogue), o.bias == With::Yes ? " bias" : "",
                               o.mode == GradMode::Accumulate ? " accumulate" : ""),
           .family = "matmul"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const Fill onto = o.mode == GradMode::Accumulate ? normal() : Fill{};
  const bool rounds = o.epilogue != Epilogue::None;  // pre, d_pre or h lie between, in act
  const auto accuracy = [&](int64_t k) {
    Accuracy a = sum_of_products(k);
    if (rounds) a.inner = Inner::ActRounded;
    return a;
  };
  add({.name = "x", .shape = {o.N, o.I}, .fill = normal()});
  add({.name = "w", .shape = {o.O, o.I}, .fill = normal()});
  if (o.bias == With::Yes) add({.name = "bias", .shape = {o.O}, .fill = normal()});
  if (o.epilogue == Epilogue::GeluBackward)
    add({.name = "h", .role = Role::Saved, .shape = {o.N, o.I}, .accuracy = {.terms = 4}});
  if (o.epilogue == Epilogue::Gelu) {
    add({.name = "pre",
         .role = Role::Saved,
         .shape = {o.N, o.O},
         .accuracy = sum_of_products(o.I)});
    add({.name = "d_pre", .role = Role::Gradient, .shape = {o.N, o.O}, .accuracy = {.terms = 4}});
  }
  add({.name = "y", .role = Role::Output, .shape = {o.N, o.O}, .accuracy = accuracy(o.I)});
  add({.name = "d_y", .role = Role::Cotangent, .shape = {o.N, o.O}, .fill = normal()});
  add({.name = "d_x", .role = Role::Gradient, .shape = {o.N, o.I}, .accuracy = accuracy(o.O)});
  add({.name = "d_w",
       .role = Role::Gradient,
       .kind = ElementKind::Grad,
       .shape = {o.O, o.I},
       .fill = onto,
       .accuracy = accuracy(o.N)});
  if (o.bias == With::Yes)
    add({.name = "d_bias",
         .role = Role::Gradient,
         .kind = ElementKind::Grad,
         .shape = {o.O},
         .fill = onto,
         .accuracy = accuracy(o.N)});
  const double flops = 2.0 * double(o.N) * double(o.I) * double(o.O);
  c.forward = {
      .run = [o](Backend& ops, const CaseTensors& t) { linear_forward(ops, t, o.epilogue); },
      .flops = flops,
      .moves = {"x", "w", "y"}};
  c.backward = {.run = [o](Backend& ops,
                           const CaseTensors& t) { linear_backward(ops, t, o.epilogue, o.mode); },
                .flops = 2 * flops,
                .moves = {"x", "w", "d_y", "d_y", "d_x", "d_w"}};
  return c;
}

std::vector<OpCase> matmul_cases() {
  std::vector<OpCase> cases;
  // 512 is the CPU's tile: one past it, in each dimension. 17, 33 and 65 are one past vector
  // widths.
  const int64_t sizes[][3] = {{1, 1, 1},   {1, 7, 5},   {17, 33, 65}, {64, 96, 80},
                              {513, 5, 7}, {5, 513, 7}, {3, 7, 1025}, {129, 515, 65}};
  for (const auto& s : sizes)
    for (Transpose a : {Transpose::No, Transpose::Yes})
      for (Transpose b : {Transpose::No, Transpose::Yes})
        cases.push_back(
            matmul_case({.M = s[0], .N = s[1], .K = s[2], .a_transpose = a, .b_transpose = b}));

  MatmulCase base{.M = 17, .N = 33, .K = 65, .b_transpose = Transpose::Yes};
  for (With strided : {With::No, With::Yes})
    for (With bias : {With::No, With::Yes})
      for (Epilogue epilogue : {Epilogue::None, Epilogue::Gelu, Epilogue::GeluBackward}) {
        if (bias == With::Yes && epilogue == Epilogue::GeluBackward) continue;
        MatmulCase o = base;
        o.strided = strided, o.bias = bias, o.epilogue = epilogue;
        if (strided == With::Yes || bias == With::Yes || epilogue != Epilogue::None)
          cases.push_back(matmul_case(o));
      }
  // Weight gradients: d_w (O, I) = d_yᵀ · x, the bias gradient beside it.
  const int64_t gradients[][3] = {{1, 1, 1}, {17, 33, 65}, {515, 5, 3}};
  for (const auto& s : gradients)
    for (GradMode mode : {GradMode::Overwrite, GradMode::Accumulate})
      for (With strided : {With::No, With::Yes})
        cases.push_back(matmul_case({.M = s[0],
                                     .N = s[1],
                                     .K = s[2],
                                     .a_transpose = Transpose::Yes,
                                     .mode = mode,
                                     .y_kind = ElementKind::Grad,
                                     .d_bias = With::Yes,
                                     .strided = strided}));
  cases.push_back(matmul_case({.M = 5, .N = 9, .K = 600, .d_bias = With::Yes}));
  cases.push_back(matmul_case({.M = 5, .N = 9, .K = 17, .mode = GradMode::Accumulate}));
  // Across tiles in every dimension: accumulation, and the fused epilogues.
  cases.push_back(matmul_case({.M = 520,
                               .N = 514,
                               .K = 513,
                               .a_transpose = Transpose::Yes,
                               .mode = GradMode::Accumulate,
                               .y_kind = ElementKind::Grad,
                               .d_bias = With::Yes,
                               .strided = With::Yes}));
  // Whole blocks of 32, deeper than is packed at a time; more of b than is packed at a time.
  for (GradMode mode : {GradMode::Overwrite, GradMode::Accumulate})
    cases.push_back(matmul_case({.M = 64,
                                 .N = 96,
                                 .K = 1600,
                                 .a_transpose = Transpose::Yes,
                                 .mode = mode,
                                 .y_kind = ElementKind::Grad}));
  cases.push_back(matmul_case({.M = 2, .N = 520, .K = 8200}));
  const int64_t fused[][3] = {{514, 7, 530}, {3, 520, 1030}};
  for (const auto& s : fused)
    for (Epilogue epilogue : {Epilogue::Gelu, Epilogue::GeluBackward})
      cases.push_back(matmul_case(
          {.M = s[0], .N = s[1], .K = s[2], .b_transpose = Transpose::Yes, .epilogue = epilogue}));

  for (Epilogue epilogue : {Epilogue::None, Epilogue::Gelu, Epilogue::GeluBackward})
    for (With bias : {With::No, With::Yes})
      for (GradMode mode : {GradMode::Overwrite, GradMode::Accumulate})
        for (int64_t n : {1, 7})
          cases.push_back(linear_case(
              {.N = n, .I = 5, .O = 11, .mode = mode, .epilogue = epilogue, .bias = bias}));
  return cases;
}

}  // namespace causeway
