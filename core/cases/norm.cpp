// Cases of layer norm and RMS norm. See families.h; core/backend.h, struct NormForward.
#include <cmath>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"

namespace causeway {
namespace {

std::string describe(const NormCase& o) {
  std::string s = o.kind == NormKind::LayerNorm ? "norm/layernorm" : "norm/rmsnorm";
  s += o.H ? fmt::format(" N={} H={} C={}", o.N, o.H, o.C) : fmt::format(" N={} C={}", o.N, o.C);
  if (o.bias == With::Yes) s += " bias";
  if (o.branch == With::Yes) s += " branch";
  if (o.strided == With::Yes) s += " strided";
  if (o.mode == GradMode::Accumulate) s += " accumulate";
  switch (o.alias) {
    case NormAlias::None:
      break;
    case NormAlias::YOfX:
      return s + " y=x";
    case NormAlias::SumOfX:
      return s + " sum=x";
    case NormAlias::DxOfDy:
      return s + " d_x=d_y";
    case NormAlias::DxOfResidual:
      return s + " d_x=d_residual";
  }
  return s;
}

void forward(Backend& ops, const CaseTensors& t, const NormCase& o) {
  ops.norm_forward({.kind = o.kind,
                    .eps = o.eps,
                    .y = t["y"],
                    .mean = t["mean"],
                    .rstd = t["rstd"],
                    .sum = t["sum"],
                    .x = t["x"],
                    .branch = t["branch"],
                    .weight = t["weight"],
                    .bias = t["bias"]});
}

void backward(Backend& ops, const CaseTensors& t, const NormCase& o) {
  ops.norm_backward({.kind = o.kind,
                     .mode = o.mode,
                     .d_x = t["d_x"],
                     .d_weight = t["d_weight"],
                     .d_bias = t["d_bias"],
                     .d_y = t["d_y"],
                     .x = o.branch == With::Yes ? t["sum"] : t["x"],
                     .mean = t["mean"],
                     .rstd = t["rstd"],
                     .weight = t["weight"],
                     .d_residual = t["d_sum"]});
}

/// The shapes a norm case is made of, and how its tensors lie.
struct Layout {
  std::vector<int64_t> x, stat;
  Padding pad;

  explicit Layout(const NormCase& o) {
    x = o.H ? std::vector<int64_t>{o.N, o.H, o.C} : std::vector<int64_t>{o.N, o.C};
    stat = o.H ? std::vector<int64_t>{o.N, o.H} : std::vector<int64_t>{o.N};
    if (o.strided == With::Yes) pad = {1, 3, 2};  // of columns, or of heads
  }
};

void add_forward(OpCase& c, const NormCase& o, const Layout& layout) {
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const bool branch = o.branch == With::Yes;
  const Accuracy stat{.terms = double(o.C),
                      .growth = 4,  // a mean, squares of differences, a root, a quotient
                      .magnitude = 1,
                      .inner = branch ? Inner::ActRounded : Inner::Exact};
  add({.name = "x", .shape = layout.x, .fill = normal(1, 0.5), .padding = layout.pad});
  if (branch) {
    add({.name = "branch", .shape = layout.x, .fill = normal(), .padding = layout.pad});
    add({.name = "sum",
         .role = Role::Output,
         .shape = layout.x,
         .padding = layout.pad,
         .alias = o.alias == NormAlias::SumOfX ? "x" : ""});
  }
  add({.name = "weight", .shape = {o.C}, .fill = normal(0.2, 1)});
  if (o.bias == With::Yes) add({.name = "bias", .shape = {o.C}, .fill = normal(0.2)});
  if (o.kind == NormKind::LayerNorm)
    add({.name = "mean",
         .role = Role::Saved,
         .kind = ElementKind::Stat,
         .shape = layout.stat,
         .accuracy = stat});
  add({.name = "rstd",
       .role = Role::Saved,
       .kind = ElementKind::Stat,
       .shape = layout.stat,
       .accuracy = stat});
  add({.name = "y",
       .role = Role::Output,
       .shape = layout.x,
       .padding = layout.pad,
       .alias = o.alias == NormAlias::YOfX ? "x" : "",
       .accuracy = stat});
}

void add_backward(OpCase& c, const NormCase& o, const Layout& layout) {
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const double rows = double(o.N * (o.H ? o.H : 1));
  const Accuracy parameter{
      .terms = rows + double(o.C), .growth = 4, .magnitude = std::sqrt(rows) + 1};
  const Fill onto = o.mode == GradMode::Accumulate ? normal() : Fill{};
  add({.name = "d_y",
       .role = Role::Cotangent,
       .shape = layout.x,
       .fill = normal(),
       .padding = layout.pad});
  if (o.branch == With::Yes)  // what flows back along the residual stream
    add({.name = "d_sum",
         .role = Role::Cotangent,
         .shape = layout.x,
         .fill = normal(),
         .padding = layout.pad});
  add({.name = "d_x",
       .role = Role::Gradient,
       .shape = layout.x,
       .padding = layout.pad,
       .alias = o.alias == NormAlias::DxOfDy         ? "d_y"
                : o.alias == NormAlias::DxOfResidual ? "d_sum"
                                                     : "",
       .accuracy = {.terms = double(o.C), .growth = 4, .magnitude = 1}});
  add({.name = "d_weight",
       .role = Role::Gradient,
       .kind = ElementKind::Grad,
       .shape = {o.C},
       .fill = onto,
       .accuracy = parameter});
  if (o.bias == With::Yes)
    add({.name = "d_bias",
         .role = Role::Gradient,
         .kind = ElementKind::Grad,
         .shape = {o.C},
         .fill = onto,
         .accuracy = parameter});
}

}  // namespace

OpCase norm_case(const NormCase& o) {
  OpCase c{.name = describe(o), .family = "norm"};
  const Layout layout(o);
  const double n = double(o.N * (o.H ? o.H : 1) * o.C);
  add_forward(c, o, layout);
  c.forward = {.run = [o](Backend& ops, const CaseTensors& t) { forward(ops, t, o); },
               .flops = 7 * n,
               .moves = {"x", "y"}};
  if (o.branch == With::Yes) c.forward.moves.insert(c.forward.moves.end(), {"branch", "sum"});
  if (o.alias == NormAlias::YOfX) return c;  // x is gone: only generation runs in place
  add_backward(c, o, layout);
  c.backward = {.run = [o](Backend& ops, const CaseTensors& t) { backward(ops, t, o); },
                .flops = 12 * n,
                .moves = {"d_x", "d_y", "x"}};
  if (o.branch == With::Yes) c.backward.moves.push_back("d_sum");
  return c;
}

std::vector<OpCase> norm_cases() {
  std::vector<OpCase> cases;
  for (NormKind kind : {NormKind::LayerNorm, NormKind::RmsNorm}) {
    const auto add = [&](NormCase o) {
      o.kind = kind;
      cases.push_back(norm_case(o));
    };
    // One element per row: RMS norm's derivative is then eps / (x² + eps)^1.5, which a small eps
    // would bury in rounding.
    add({.N = 1, .C = 1, .eps = 0.5});
    const int64_t rows[][2] = {{1, 7},   {3, 17},   {5, 33},  {2, 64},
                               {4, 129}, {67, 768}, {2, 769}, {2, 2056}};
    for (const auto& s : rows) add({.N = s[0], .C = s[1]});
    for (With branch : {With::No, With::Yes})
      for (With strided : {With::No, With::Yes})
        for (GradMode mode : {GradMode::Overwrite, GradMode::Accumulate})
          for (int64_t heads : {0, 3})
            add({.N = 5, .H = heads, .C = 17, .mode = mode, .branch = branch, .strided = strided});
    // More rows than the CUDA grid has blocks: each of two warps, which come to a second row.
    add({.N = 1030, .C = 33});
    // Too wide for a block's registers: one element at a time, and in packs of 16 bytes.
    for (int64_t width : {2051, 8200}) {
      add({.N = 2, .C = width});
      add({.N = 2, .C = width, .branch = With::Yes, .alias = NormAlias::DxOfResidual});
    }
    add({.N = 5, .H = 2, .C = 33, .strided = With::Yes, .alias = NormAlias::DxOfDy});
    add({.N = 3, .C = 33, .alias = NormAlias::YOfX});
    add({.N = 5, .H = 2, .C = 16, .strided = With::Yes, .alias = NormAlias::YOfX});
    add({.N = 3, .C = 33, .branch = With::Yes, .alias = NormAlias::SumOfX});
    add({.N = 3, .C = 33, .branch = With::Yes, .alias = NormAlias::DxOfDy});
    add({.N = 3, .C = 33, .branch = With::Yes, .alias = NormAlias::DxOfResidual});
  }
  for (With branch : {With::No, With::Yes})
    for (GradMode mode : {GradMode::Overwrite, GradMode::Accumulate})
      for (int64_t width : {7, 40, 2051})
        cases.push_back(
            norm_case({.N = 6, .C = width, .mode = mode, .bias = With::Yes, .branch = branch}));
  // More rows than the CUDA grid of wide rows has blocks.
  cases.push_back(norm_case({.N = 130, .C = 2051, .bias = With::Yes}));
  cases.push_back(norm_case({.kind = NormKind::RmsNorm, .N = 130, .C = 2051}));
  return cases;
}

}  // namespace causeway
