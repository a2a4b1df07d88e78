// See vector_math.h; compiled once per instruction set, as the kernels are.
#include "tests/ops/per_isa/vector_math.h"

#include "core/cpu/simd_math.h"
#include "core/cpu/simd_pairs.h"

namespace causeway::cpu::CAUSEWAY_ISA {
namespace {

template <class Function>
void map(float* y, const float* x, int64_t n, Function function) {
  sweep(n, [&](int64_t i, auto part) { store(y + i, function(load(x + i, part)), part); });
}

float scale_pairs(uint16_t* y, const uint16_t* x, float factor, int64_t n) {
  PairSum sum;
  sweep_pairs(n, [&](int64_t i, auto part) {
    const auto scaled = each([&](F v) { return v * factor; }, load(x + i, part));
    sum.add(store_rounded(y + i, scaled, part), part);
  });
  return sum.total();
}

}  // namespace

VectorMath vector_math() {
  return {
      .exp = [](float* y, const float* x, int64_t n) { map(y, x, n, [](F v) { return exp(v); }); },
      .exp2 = [](float* y, const float* x,
                 int64_t n) { map(y, x, n, [](F v) { return exp2(v); }); },
      .exp2_for_bf16 = [](float* y, const float* x,
                          int64_t n) { map(y, x, n, [](F v) { return exp2_for_bf16(v); }); },
      .log = [](float* y, const float* x, int64_t n) { map(y, x, n, [](F v) { return log(v); }); },
      .tanh = [](float* y, const float* x,
                 int64_t n) { map(y, x, n, [](F v) { return tanh(v); }); },
      .scale_pairs = scale_pairs};
}

}  // namespace causeway::cpu::CAUSEWAY_ISA
