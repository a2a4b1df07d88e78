// Cases of the embedding and of rotary positions. See families.h.
#include <cmath>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"

namespace causeway {
namespace {

constexpr int64_t kSpareRows = 2;  // tables may be longer than the sequence

std::string_view position_name(With position) { return position == With::Yes ? " position" : ""; }

TensorSpec positions(int64_t B, int64_t T, int64_t rows) {
  return {.name = "position",
          .role = Role::Constant,
          .kind = ElementKind::Int,
          .shape = {B, T},
          .fill = integers(0, rows)};
}

}  // namespace

OpCase embedding_case(const EmbeddingCase& o) {
  OpCase c{.name = fmt::format("embedding/B={} T={} C={} V={}{}{}{}{}", o.B, o.T, o.C, o.V,
                               o.wpe == With::Yes ? " wpe" : "", position_name(o.position),
                               o.mode == GradMode::Accumulate ? " accumulate" : "",
                               o.d_wte == With::No ? " frozen" : ""),
           .family = "embedding"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const int64_t rows = o.B * o.T;
  const auto gradient = [&](std::string name, int64_t table_rows) {
    add({.name = std::move(name),
         .role = Role::Gradient,
         .kind = ElementKind::Grad,
         .shape = {table_rows, o.C},
         .fill = o.mode == GradMode::Accumulate ? normal() : Fill{},
         .accuracy = {.terms = double(rows), .magnitude = std::sqrt(double(rows))}});
  };
  add({.name = "tokens",
       .role = Role::Constant,
       .kind = ElementKind::Int,
       .shape = {o.B, o.T},
       .fill = integers(0, o.V)});
  add({.name = "wte", .shape = {o.V, o.C}, .fill = normal()});
  if (o.wpe == With::Yes) add({.name = "wpe", .shape = {o.T + kSpareRows, o.C}, .fill = normal()});
  if (o.position == With::Yes) add(positions(o.B, o.T, o.T + kSpareRows));
  add({.name = "y", .role = Role::Output, .shape = {rows, o.C}});
  add({.name = "d_y", .role = Role::Cotangent, .shape = {rows, o.C}, .fill = normal()});
  if (o.d_wte == With::Yes) gradient("d_wte", o.V);
  if (o.wpe == With::Yes) gradient("d_wpe", o.T + kSpareRows);
  c.forward.run = [](Backend& ops, const CaseTensors& t) {
    ops.embedding_forward(t["y"], t["tokens"], t["wte"], t["wpe"], t["position"]);
  };
  c.forward.flops = double(rows * o.C);
  c.forward.moves = {"tokens", "y", "y"};  // a row read for each row written
  if (o.wpe == With::Yes) c.forward.moves.push_back("wpe");
  c.backward.run = [o](Backend& ops, const CaseTensors& t) {
    ops.embedding_backward({.d_wte = t["d_wte"],
                            .wte_mode = o.mode,
                            .d_wpe = t["d_wpe"],
                            .wpe_mode = o.mode,
                            .d_y = t["d_y"],
                            .tokens = t["tokens"],
                            .position = t["position"]});
  };
  c.backward.flops = double(rows * o.C);
  c.backward.moves = {"tokens", "d_y"};
  if (o.d_wte == With::Yes) c.backward.moves.push_back("d_wte");
  if (o.wpe == With::Yes) c.backward.moves.push_back("d_wpe");
  return c;
}

std::vector<OpCase> embedding_cases() {
  std::vector<OpCase> cases;
  for (With wpe : {With::No, With::Yes})
    for (With position : {With::No, With::Yes})
      for (GradMode mode : {GradMode::Overwrite, GradMode::Accumulate}) {
        EmbeddingCase o{.mode = mode, .wpe = wpe, .position = position};
        cases.push_back(embedding_case(o));
        // Fewer tokens than the vocabulary: rows that no token names. Then more: rows named often.
        o.B = 2, o.T = 5, o.C = 17, o.V = 23;
        cases.push_back(embedding_case(o));
        o.B = 3, o.T = 40, o.C = 65, o.V = 7;
        cases.push_back(embedding_case(o));
        if (wpe == With::No) continue;
        o.B = 2, o.T = 3, o.C = 8, o.d_wte = With::No;
        cases.push_back(embedding_case(o));
      }
  // More tokens than the CUDA kernel that ranks them takes at a time, and than it ranks together.
  for (const int64_t T : {150, 1150})
    cases.push_back(embedding_case({.B = 2, .T = T, .C = 3, .V = 7}));
  // And more segments and rows of the vocabulary than it sums and scans at a time.
  cases.push_back(embedding_case({.B = 1, .T = 9000, .C = 1, .V = 9000}));
  return cases;
}

OpCase rope_case(const RopeCase& o) {
  OpCase c{.name = fmt::format("rope/B={} T={} H={} D={}{}{}", o.B, o.T, o.H, o.D,
                               position_name(o.position), o.strided == With::Yes ? " strided" : ""),
           .family = "rope"};
  const auto add = [&](TensorSpec spec) { c.tensors.push_back(std::move(spec)); };
  const std::vector<int64_t> shape{o.B, o.T, o.H, o.D};
  const Padding pad = o.strided == With::Yes ? Padding{2, 1, 2} : Padding{};
  const int64_t half = o.D / 2;
  add({.name = "x", .shape = shape, .fill = normal(), .padding = pad});
  add({.name = "table",
       .role = Role::Constant,
       .kind = ElementKind::Stat,
       .shape = {o.T + kSpareRows, o.D},
       .fill = [half](const RandomStream&, int64_t e) {
         const int64_t row = e / (2 * half), d = e % (2 * half);
         const double angle = double(row) * std::pow(10000.0, -double(d % half) / double(half));
         return d < half ? std::cos(angle) : std::sin(angle);
       }});
  if (o.position == With::Yes) add(positions(o.B, o.T, o.T + kSpareRows));
  const Accuracy accuracy{.terms = 2, .magnitude = 1};
  add({.name = "y", .role = Role::Output, .shape = shape, .padding = pad, .accuracy = accuracy});
  add({.name = "d_y", .role = Role::Cotangent, .shape = shape, .fill = normal(), .padding = pad});
  add({.name = "d_x",
       .role = Role::Gradient,
       .shape = shape,
       .padding = pad,
       .accuracy = accuracy});
  c.forward = {.stage = [](Backend& ops, const CaseTensors& t) { ops.copy(t["y"], t["x"]); },
               .run =
                   [](Backend& ops, const CaseTensors& t) {
                     ops.rope(t["y"], t["table"], t["position"], RopeDirection::Forward);
                   },
               .flops = 3 * double(o.B * o.T * o.H * o.D),
               .moves = {"y", "y"}};
  c.backward = {.stage = [](Backend& ops, const CaseTensors& t) { ops.copy(t["d_x"], t["d_y"]); },
                .run =
                    [](Backend& ops, const CaseTensors& t) {
                      ops.rope(t["d_x"], t["table"], t["position"], RopeDirection::Backward);
                    },
                .flops = c.forward.flops,
                .moves = {"d_x", "d_x"}};
  return c;
}

std::vector<OpCase> rope_cases() {
  std::vector<OpCase> cases;
  for (With position : {With::No, With::Yes})
    for (With strided : {With::No, With::Yes}) {
      const int64_t sizes[][4] = {{1, 1, 1, 2}, {2, 5, 3, 6}, {1, 7, 2, 34}, {2, 9, 5, 64}};
      for (const auto& s : sizes)
        cases.push_back(rope_case({.B = s[0],
                                   .T = s[1],
                                   .H = s[2],
                                   .D = s[3],
                                   .position = position,
                                   .strided = strided}));
    }
  return cases;
}

}  // namespace causeway
