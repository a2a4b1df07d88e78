// Cases of causal attention. See families.h; core/backend.h, struct AttentionOptions.
#include <algorithm>
#include <cmath>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"

namespace causeway {
namespace {

std::string describe(const AttentionCase& o) {
  std::string s =
      fmt::format("attention/B={} Tq={} Tk={} H={} K={} D={}", o.B, o.Tq, o.Tk, o.H, o.K, o.D);
  if (o.sharpness != 1) s += fmt::format(" sharpness={}", o.sharpness);
  if (o.window) s += fmt::format(" window={}", o.window);
  if (o.softcap > 0) s += fmt::format(" softcap={}", o.softcap);
  if (o.segment) s += fmt::format(" segment={}", o.segment);
  if (o.alibi == With::Yes) s += " alibi";
  if (o.strided == With::Yes) s += " strided";
  return s;
}

AttentionOptions options(const CaseTensors& t, const AttentionCase& o) {
  return {.scale = o.sharpness / std::sqrt(double(o.D)),
          .window = o.window,
          .softcap = o.softcap,
          .alibi_slopes = t["slopes"],
          .segment_start = t["segment_start"]};
}

/// (B, Tq): the first key of the query's own document.
Fill segment_starts(const AttentionCase& o) {
  return [o](const RandomStream&, int64_t e) {
    const int64_t own = e % o.Tq + o.Tk - o.Tq;
    return double(own - own % o.segment);
  };
}

/// Pairs of query and key in sight, over all sequences and heads.
double visible_pairs(const AttentionCase& o) {
  double pairs = 0;
  for (int64_t t = 0; t < o.Tq; ++t) {
    const int64_t own = t + o.Tk - o.Tq;
    int64_t first = o.window ? std::max<int64_t>(0, own - o.window + 1) : 0;
    if (o.segment) first = std::max(first, own - own % o.segment);
    pairs += double(own - first + 1);
  }
  return pairs * double(o.B * o.H);
}

/// Scores are dots of D terms, about `sharpness` in size with tails to 6 times that; exp turns
/// their error into a relative one of |score| times as much. A device may round probabilities to
/// act.
Accuracy accuracy(const AttentionCase& o, double magnitude) {
  return {.terms = double(o.D + o.Tk),
          .growth = 6 * std::max(1.0, o.sharpness),
          .magnitude = magnitude,
          .inner = Inner::ActRounded};
}

void add_backward(OpCase& c, const AttentionCase& o, const Padding& pad) {
  const auto gradient = [&](std::string name, const std::vector<int64_t>& shape) {
    c.tensors.push_back({.name = std::move(name),
                         .role = Role::Gradient,
                         .shape = shape,
                         .padding = pad,
                         .accuracy = accuracy(o, std::max(1.0, o.sharpness))});
  };
  c.tensors.push_back({.name = "d_o",
                       .role = Role::Cotangent,
                       .shape = {o.B, o.Tq, o.H, o.D},
                       .fill = normal(),
                       .padding = pad});
  gradient("d_q", {o.B, o.Tq, o.H, o.D});
  gradient("d_k", {o.B, o.Tk, o.K, o.D});
  gradient("d_v", {o.B, o.Tk, o.K, o.D});
  c.backward.run = [o](Backend& ops, const CaseTensors& t) {
    ops.attention_backward({.options = options(t, o),
                            .d_q = t["d_q"],
                            .d_k = t["d_k"],
                            .d_v = t["d_v"],
                            .d_o = t["d_o"],
                            .q = t["q"],
                            .k = t["k"],
                            .v = t["v"],
                            .o = t["o"],
                            .lse = t["lse"]});
  };
  c.backward.flops = 10 * double(o.D) * visible_pairs(o);  // five products
  c.backward.moves = {"q", "k", "v", "o", "d_o", "d_q", "d_k", "d_v"};
}

}  // namespace

OpCase attention_case(const AttentionCase& o) {
  OpCase c{.name = describe(o), .family = "attention"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const Padding pad = o.strided == With::Yes ? Padding{2, 1, 2} : Padding{};  // among other heads
  const std::vector<int64_t> q{o.B, o.Tq, o.H, o.D}, k{o.B, o.Tk, o.K, o.D};
  add({.name = "q", .shape = q, .fill = normal(), .padding = pad});
  add({.name = "k", .shape = k, .fill = normal(), .padding = pad});
  add({.name = "v", .shape = k, .fill = normal(), .padding = pad});
  if (o.alibi == With::Yes)  // the paper's slopes, 2^(−8 (h + 1) / H)
    add({.name = "slopes",
         .role = Role::Constant,
         .kind = ElementKind::Stat,
         .shape = {o.H},
         .fill = [o](const RandomStream&, int64_t h) {
           return std::exp2(-8 * double(h + 1) / double(o.H));
         }});
  if (o.segment)
    add({.name = "segment_start",
         .role = Role::Constant,
         .kind = ElementKind::Int,
         .shape = {o.B, o.Tq},
         .fill = segment_starts(o)});
  add({.name = "lse",
       .role = Role::Saved,
       .kind = ElementKind::Stat,
       .shape = {o.B, o.H, o.Tq},
       .accuracy = {
           .terms = double(o.D + o.Tk), .growth = 1, .magnitude = 6 * std::max(1.0, o.sharpness)}});
  add({.name = "o", .role = Role::Output, .shape = q, .padding = pad, .accuracy = accuracy(o, 1)});
  c.forward.run = [o](Backend& ops, const CaseTensors& t) {
    ops.attention_forward({.options = options(t, o),
                           .o = t["o"],
                           .lse = t["lse"],
                           .q = t["q"],
                           .k = t["k"],
                           .v = t["v"]});
  };
  c.forward.flops = 4 * double(o.D) * visible_pairs(o);
  c.forward.moves = {"q", "k", "v", "o"};
  if (o.Tq == o.Tk) add_backward(c, o, pad);
  return c;
}

namespace {

/// Every option alone, then with its neighbours; small enough for the complex step.
std::vector<AttentionCase> small_cases() {
  std::vector<AttentionCase> cases = {
      {.B = 1, .Tq = 1, .Tk = 1, .H = 1, .K = 1, .D = 1},
      {.B = 2, .Tq = 5, .Tk = 5, .H = 2, .K = 2, .D = 3},
      {.B = 1, .Tq = 7, .Tk = 7, .H = 4, .K = 2, .D = 5},
      {.B = 2, .Tq = 5, .Tk = 5, .H = 3, .K = 1, .D = 8},
  };
  const AttentionCase base{.B = 2, .Tq = 7, .Tk = 7, .H = 4, .K = 2, .D = 5};
  for (int64_t window : {0, 1, 3})
    for (double softcap : {0.0, 2.5})
      for (With alibi : {With::No, With::Yes})
        for (int64_t segment : {0, 4})
          for (With strided : {With::No, With::Yes}) {
            AttentionCase o = base;
            o.window = window, o.softcap = softcap, o.alibi = alibi, o.segment = segment;
            o.strided = strided;
            cases.push_back(o);
          }
  return cases;
}

/// Head sizes around vector widths, lengths around blocks of 16, 32, 64 and 128 keys.
std::vector<AttentionCase> large_cases() {
  std::vector<AttentionCase> cases;
  const int64_t sizes[][2] = {{17, 16}, {33, 17}, {65, 64}, {130, 32}, {150, 128}, {64, 33}};
  for (const auto& s : sizes)
    for (With strided : {With::No, With::Yes})
      cases.push_back(
          {.B = 2, .Tq = s[0], .Tk = s[0], .H = 2, .K = 1, .D = s[1], .strided = strided});
  AttentionCase base{.B = 1, .Tq = 131, .Tk = 131, .H = 2, .K = 2, .D = 24, .strided = With::Yes};
  for (int64_t window : {0, 1, 40, 64, 70})
    for (int64_t segment : {0, 50}) {
      AttentionCase o = base;
      o.window = window, o.segment = segment;
      cases.push_back(o);
      o.softcap = 5, o.alibi = With::Yes;
      cases.push_back(o);
    }
  // Heads enough for pieces of 256 queries and of whole heads, and a rest.
  cases.push_back({.B = 4, .Tq = 290, .Tk = 290, .H = 2, .K = 2, .D = 32});
  // Scores up to ±100: the running maximum must really be subtracted.
  cases.push_back({.B = 1, .Tq = 70, .Tk = 70, .H = 1, .K = 1, .D = 16, .sharpness = 25});
  // The same over many blocks of keys: what has been gathered is rescaled.
  cases.push_back({.B = 1, .Tq = 321, .Tk = 321, .H = 1, .K = 1, .D = 64, .sharpness = 25});
  // Decoding: fewer queries than keys.
  for (int64_t queries : {1, 3, 17})
    for (int64_t keys : {17, 70, 129}) {
      AttentionCase o{.B = 2, .Tq = queries, .Tk = keys, .H = 4, .K = 2, .D = 16};
      cases.push_back(o);
      o.window = 9, o.segment = 20, o.softcap = 3, o.alibi = With::Yes, o.strided = With::Yes;
      cases.push_back(o);
    }
  return cases;
}

/// The head sizes that CUDA's tensor-core kernels are compiled for, and heads wider than 128: one
/// query, lengths around tiles of 32 to 192, each with no option and with all of them.
std::vector<AttentionCase> head_size_cases() {
  std::vector<AttentionCase> cases;
  for (int64_t size : {32, 64, 80, 96, 128, 136, 256}) {
    cases.push_back({.B = 1, .Tq = 1, .Tk = 1, .H = 1, .K = 1, .D = size});
    cases.push_back({.B = 2, .Tq = 67, .Tk = 67, .H = 2, .K = 1, .D = size, .strided = With::Yes});
    AttentionCase all{.B = 2, .Tq = 131, .Tk = 131, .H = 2, .K = 1, .D = size};
    all.window = 70, all.softcap = 5, all.segment = 50, all.alibi = all.strided = With::Yes;
    cases.push_back(all);
  }
  for (int64_t size : {64, 128}) {
    // One row, one past each of three groups of 64, more tiles than stages of a ring.
    for (int64_t times : {67, 129, 193, 321})
      cases.push_back({.B = 2, .Tq = times, .Tk = times, .H = 2, .K = 1, .D = size});
    cases.push_back({.B = 1, .Tq = 257, .Tk = 257, .H = 3, .K = 1, .D = size});
    cases.push_back({.B = 2, .Tq = 17, .Tk = 129, .H = 2, .K = 1, .D = size});
    cases.push_back({.B = 1, .Tq = 130, .Tk = 200, .H = 2, .K = 2, .D = size, .window = 70});
    cases.push_back({.B = 1, .Tq = 193, .Tk = 193, .H = 1, .K = 1, .D = size, .segment = 64});
    cases.push_back({.B = 1, .Tq = 70, .Tk = 70, .H = 1, .K = 1, .D = size, .sharpness = 25});
  }
  return cases;
}

}  // namespace

std::vector<OpCase> attention_cases() {
  std::vector<OpCase> cases;
  for (const AttentionCase& o : small_cases()) cases.push_back(attention_case(o));
  for (const AttentionCase& o : large_cases()) cases.push_back(attention_case(o));
  for (const AttentionCase& o : head_size_cases()) cases.push_back(attention_case(o));
  return cases;
}

}  // namespace causeway
