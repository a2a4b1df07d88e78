// Cases of copy and zero. See families.h.
#include <fmt/ranges.h>

#include "core/cases/case_tensors.h"
#include "core/cases/families.h"

namespace causeway {

OpCase copy_case(const std::vector<int64_t>& shape, int dim) {
  OpCase c{.name = fmt::format("memory/copy ({}) padded in {}", fmt::join(shape, ", "), dim),
           .family = "memory"};
  // Different padding on either side, so that the strides differ.
  c.tensors = {{.name = "x", .shape = shape, .fill = normal(), .padding = {dim, 1, 2}},
               {.name = "y", .role = Role::Output, .shape = shape, .padding = {dim, 2, 3}}};
  c.forward = {.run = [](Backend& ops, const CaseTensors& t) { ops.copy(t["y"], t["x"]); },
               .moves = {"x", "y"}};
  return c;
}

OpCase zero_case(int64_t n) {
  OpCase c{.name = fmt::format("memory/zero n={}", n), .family = "memory"};
  c.tensors = {{.name = "y", .role = Role::Output, .shape = {n}}};
  c.forward = {.run = [](Backend& ops, const CaseTensors& t) { ops.zero(t["y"]); }, .moves = {"y"}};
  return c;
}

std::vector<OpCase> memory_cases() {
  std::vector<OpCase> cases;
  const std::vector<int64_t> shapes[] = {{1},        {37},         {5, 17},
                                         {3, 4, 33}, {2, 3, 4, 5}, {1, 7, 2, 64}};
  for (const auto& shape : shapes)
    for (int dim = -1; dim < static_cast<int>(shape.size()); ++dim)
      cases.push_back(copy_case(shape, dim));
  for (int64_t n : {1, 7, 1031}) cases.push_back(zero_case(n));
  return cases;
}

}  // namespace causeway
