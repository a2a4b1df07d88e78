// Cases of the cross-entropy. See families.h; core/backend.h, struct CrossEntropy.
#include <cmath>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"

namespace causeway {
namespace {

constexpr double kSpread = 3;  // of the logits

CrossEntropy operation(const CrossEntropyCase& o, LossMode mode, const CaseTensors& t,
                       const Tensor& logits) {
  return {.mode = mode,
          .loss = mode == LossMode::LossOnly ? t["loss"] : t["loss_again"],
          .logits = logits,
          .targets = t["targets"],
          .vocab_size = o.V,
          .softcap = o.softcap,
          .scale = o.scale};
}

std::string describe(const CrossEntropyCase& o) {
  std::string s = fmt::format("cross_entropy/N={} V={} Vp={}", o.N, o.V, o.Vp);
  if (o.softcap > 0) s += fmt::format(" softcap={}", o.softcap);
  if (o.scale != 1) s += fmt::format(" scale={}", o.scale);
  if (o.ignore_every) s += fmt::format(" ignore_every={}", o.ignore_every);
  if (o.mean != 0) s += fmt::format(" mean={}", o.mean);
  if (o.rise != 0) s += fmt::format(" rise={}", o.rise);
  return s;
}

Fill logits(const CrossEntropyCase& o) {
  return [o, fill = normal(kSpread, o.mean)](const RandomStream& stream, int64_t e) {
    return fill(stream, e) + (e % o.Vp < o.V / 2 ? 0 : o.rise);
  };
}

}  // namespace

OpCase cross_entropy_case(const CrossEntropyCase& o) {
  OpCase c{.name = describe(o), .family = "cross_entropy"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  // Logits reach about 5 spreads; exp turns an error of a logit into a relative one.
  const double reach = 5 * kSpread + std::abs(o.mean) + std::abs(o.rise);
  add({.name = "logits",
       .shape = {o.N, o.Vp},
       .fill = columns(logits(o), o.Vp, o.V)});  // padding columns are never read
  add({.name = "targets",
       .role = Role::Constant,
       .kind = ElementKind::Int,
       .shape = {o.N},
       .fill = [o, fill = integers(0, o.V)](const RandomStream& stream, int64_t n) {
         return o.ignore_every && n % o.ignore_every == 0 ? -1.0 : fill(stream, n);
       }});
  const auto loss = [&](std::string name, Role role) {  // in both modes
    add({.name = std::move(name),
         .role = role,
         .kind = ElementKind::Stat,
         .shape = {o.N},
         .accuracy = {.terms = double(o.V), .growth = 1, .magnitude = reach}});
  };
  loss("loss", Role::Output);
  loss("loss_again", Role::Gradient);
  add({.name = "d_loss",
       .role = Role::Cotangent,
       .kind = ElementKind::Stat,
       .shape = {o.N},
       .fill = constant(o.scale)});
  add({.name = "d_logits",
       .role = Role::Gradient,
       .shape = {o.N, o.Vp},
       .accuracy = {.terms = double(o.V), .growth = reach, .magnitude = o.scale}});
  const double n = double(o.N * o.V);
  c.forward = {.run =
                   [o](Backend& ops, const CaseTensors& t) {
                     ops.cross_entropy(operation(o, LossMode::LossOnly, t, t["logits"]));
                   },
               .flops = 4 * n,
               .moves = {"logits"}};
  c.backward = {
      .stage = [](Backend& ops, const CaseTensors& t) { ops.copy(t["d_logits"], t["logits"]); },
      .run =
          [o](Backend& ops, const CaseTensors& t) {
            ops.cross_entropy(operation(o, LossMode::LossAndGradient, t, t["d_logits"]));
          },
      .flops = 6 * n,
      .moves = {"d_logits", "d_logits"}};
  return c;
}

std::vector<OpCase> cross_entropy_cases() {
  std::vector<OpCase> cases;
  const int64_t sizes[][3] = {{1, 1, 1},   {1, 7, 7},    {5, 17, 32},
                              {3, 65, 65}, {4, 33, 128}, {9, 1031, 1152}};
  for (const auto& s : sizes)
    for (double softcap : {0.0, 5.0})
      for (int64_t ignore_every : {0, 3})
        for (double scale : {1.0, 0.125})
          cases.push_back(cross_entropy_case({.N = s[0],
                                              .V = s[1],
                                              .Vp = s[2],
                                              .softcap = softcap,
                                              .scale = scale,
                                              .ignore_every = ignore_every}));
  // Rows of several blocks, far from zero, whose largest logits come early or late.
  for (int64_t vocab : {65, 2049, 5201})
    for (double mean : {-200.0, 0.0, 200.0})
      for (double rise : {-50.0, 0.0, 50.0})
        cases.push_back(
            cross_entropy_case({.N = 2, .V = vocab, .Vp = vocab + 15, .mean = mean, .rise = rise}));
  return cases;
}

}  // namespace causeway
